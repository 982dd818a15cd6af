import Foundation
import Lantern
import LanternFormats
import LanternSamplers
import TestSupport
import Testing

@Suite struct RequestErrorTests {
  /// What is said when a request is refused.
  private func complaint(
    _ generator: ImageGenerator? = nil, _ change: (inout ImageRequest) throws -> Void
  ) throws -> String {
    var request = ImageRequest(prompt: "fox")
    request.seed = 42
    request.steps = 1
    try change(&request)
    let generator = try generator ?? ImageGenerator(folder: TinyPipeline.folder)
    do {
      _ = try generator.draw(request)
      return "drawn"
    } catch {
      return "\(error)"
    }
  }

  @Test("an app that shows localizedDescription shows the error's own line")
  func localized() throws {
    let errors: [any Error] = [
      RequestError.range(name: "steps", found: "0", allowed: "1 or more"),
      FormatError.notAFolder(path: "here"), PictureError.unknownFormat(path: "picture.xyz"),
      SamplerError.unknownSampler(name: "eulr", nearest: "euler", known: ["euler"]),
    ]
    for error in errors { #expect(error.localizedDescription == "\(error)") }
  }

  @Test("a prompt far beyond the text encoder is refused, with what to do")
  func longPrompt() throws {
    let found = try complaint { $0.prompt = String(repeating: "red fox ", count: 75 * 32 + 1) }
    #expect(
      found == """
        the prompt fills the text encoder 65 times, and 64 times is the most; shorten it, or take \
        it literally, which cuts it after the first
        """)
  }

  @Test(
    "a size must be a multiple of 8 up to 4096",
    arguments: [0, -8, 4, 65, 4104, 100_000, Int.min, Int.max])
  func sizes(size: Int) throws {
    #expect(
      try complaint { $0.width = size } == "width \(size): choose a multiple of 8 from 8 to 4096")
    #expect(
      try complaint { $0.height = size } == "height \(size): choose a multiple of 8 from 8 to 4096")
  }

  @Test("the least size is drawn")
  func minimum() throws {
    #expect(try complaint { ($0.width, $0.height) = (8, 16) } == "drawn")
  }

  @Test("steps go from 1 to those of the training", arguments: [0, -1, 1001, 10_000, Int.max])
  func steps(steps: Int) throws {
    #expect(
      try complaint { $0.steps = steps }
        == "\(steps) steps: choose 1 to 1000 with this sampler and model")
  }

  @Test("guidance, strength and clip skip have their ranges")
  func ranges() throws {
    for guidance in [-1, 1001, .nan, .infinity] as [Float] {
      #expect(
        try complaint { $0.guidance = guidance } == "guidance \(guidance): choose 0 to 1000")
    }
    for strength in [0, -0.5, 1.01, .nan, .infinity] {
      #expect(
        try complaint { $0.strength = strength }
          == "strength \(strength): choose a number above 0, up to 1")
    }
    for layers in [-1, 2, Int.max, Int.min] {
      #expect(try complaint { $0.clipSkip = layers } == "clip skip \(layers): choose 0 to 1")
    }
    #expect(
      try complaint {
        $0.initialPicture = try TinyPipeline().photo()
        $0.strength = 0.2
        $0.steps = 4
      } == "strength 0.2: choose more, or more steps: of 4 none is left")
  }

  @Test("what has no effect without a picture or a mask is told, and a negative interval refused")
  func idle() throws {
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    var request = ImageRequest(prompt: "fox")
    request.steps = 1
    #expect(try generator.draw(request).notes.isEmpty)
    request.strength = 0.5
    request.pastesKept = false
    #expect(
      try generator.draw(request).notes == [
        "strength 0.5 has no effect without a picture to begin from",
        "without a mask nothing is kept: pasting has no effect",
      ])
    #expect(
      try complaint(generator) { $0.previewInterval = -1 }
        == "preview interval -1: choose 0 or more")
  }

  @Test("a mask needs a picture, and a model that fills holes needs both")
  func masks() throws {
    let reference = try TinyPipeline()
    #expect(
      try complaint { $0.mask = try reference.mask() } == "a mask needs a picture to begin from")
    let generator = try reference.inpaintingGenerator()
    for picture in [nil, try reference.photo()] {
      #expect(
        try complaint(generator) { $0.initialPicture = picture }
          == "this model, which fills holes, needs a picture to begin from and a mask")
    }
  }

  @Test("unknown samplers and schedules are refused, with the nearest known")
  func names() throws {
    #expect(
      try complaint { $0.sampler = "eulr" }.hasPrefix(
        "no sampler \"eulr\": did you mean \"euler\"? There are ddim, "))
    #expect(try complaint { $0.sampler = "" }.hasPrefix("no sampler \"\""))
    #expect(
      try complaint { $0.schedule = "karas" }
        .hasPrefix("no schedule \"karas\": did you mean \"karras\"? There are discrete, leading"))
  }

  /// What is said when the changed folder is not loaded, without where it is.
  private func refusal(_ change: (_ folder: String) throws -> Void) throws -> String {
    var place = ""
    do {
      _ = try TinyPipeline.generator { folder in
        place = folder
        try change(folder)
      }
      return "loaded"
    } catch {
      return "\(error)".replacingOccurrences(of: place, with: "model")
    }
  }

  @Test("a folder of another kind of model is refused, and says which kinds are not")
  func kinds() throws {
    let index = "model_index.json"
    #expect(
      try refusal {
        try TinyPipeline.set("_class_name", .string("KandinskyPipeline"), "\($0)/\(index)")
      }.hasPrefix(
        "model/model_index.json: a model of kind KandinskyPipeline; Lantern draws with Flux2KleinPipeline, "
      ))
    let other: JSONValue = .array([.string("diffusers"), .string("UNet3DConditionModel")])
    #expect(
      try refusal { try TinyPipeline.set("unet", other, "\($0)/\(index)") }
        == "model/unet: a model of kind UNet3DConditionModel; Lantern draws with "
        + "Flux2Transformer2DModel, FluxTransformer2DModel, PixArtTransformer2DModel, "
        + "SD3Transformer2DModel, SanaTransformer2DModel, UNet2DConditionModel, ZImageTransformer2DModel"
    )
  }

  @Test("parts that are missing, or do not fit one another, are named")
  func parts() throws {
    #expect(
      try refusal { try TinyPipeline.set("vae", .null, "\($0)/model_index.json") }
        == "model/model_index.json: lacks the key \"vae\"; add it, or fetch the file again")
    #expect(
      try refusal { try FileManager.default.removeItem(atPath: "\($0)/vae") }
        == "model/vae: there is no such file; model_index.json names this part: fetch the model "
        + "again")
    #expect(
      try refusal { folder in
        let place = "\(folder)/unet/diffusion_pytorch_model.safetensors"
        try FileManager.default.removeItem(atPath: place)
      }.hasPrefix("model/unet/diffusion_pytorch_model.safetensors: there is no such file; the "))
    #expect(
      try refusal {
        try TinyPipeline.set(
          "model_max_length", .integer(78), "\($0)/tokenizer/tokenizer_config.json")
      }
        == "model: the tokenizer makes 78 tokens and the text encoder takes 77; both must come "
        + "from one model")
    #expect(
      try refusal {
        try TinyPipeline.set("cross_attention_dim", .integer(13), "\($0)/unet/config.json")
      }.contains("has shape [8, 12], but the configuration calls for [8, 13]"))
    #expect(
      try refusal { try TinyPipeline.set("steps", .integer(3), "\($0)/lantern.json") } != "loaded")
  }

  @Test("numbers that run away end in an error that says when, not in a picture")
  func runaway() throws {
    let generator = try TinyPipeline.generator { folder in
      let path = "\(folder)/unet/diffusion_pytorch_model.safetensors"
      let old = try SafetensorsFile(path)
      let tensors = try old.names.map { name in
        let tensor = try #require(try old.tensor(name)).converted(to: .float32)
        return (name: name, tensor: name == "conv_out.bias" ? try tensor * 3e38 : tensor)
      }
      try SafetensorsFile.write(tensors, to: path)
    }
    let words = try complaint(generator) { $0.steps = 3 }
    // Here it is the weights; elsewhere it is not, and neither is known.
    #expect(
      words.hasPrefix("the latent after step 2 is not a number, for a reason not known here;"))
  }
}
