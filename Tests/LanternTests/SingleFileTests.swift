import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Models in one file draw what their folders draw: tools/fixtures/single_file.py.
@Suite struct SingleFileTests {
  private func request(_ change: (inout ImageRequest) -> Void = { _ in }) -> ImageRequest {
    var request = ImageRequest(prompt: "a red fox, on the beach")
    request.negativePrompt = "the fox"
    (request.steps, request.guidance, request.seed) = (3, 4.5, 5)
    (request.width, request.height) = (24, 16)
    change(&request)
    return request
  }

  /// A generator of a file, with the folder's own tokenizer.
  private func generator(
    _ path: String, of model: SingleFileFixture,
    changing change: (inout ModelParts) -> Void = { _ in }
  ) throws -> ImageGenerator {
    var parts = ModelParts()
    parts.tokenizer = model.tokenizer
    change(&parts)
    return try ImageGenerator(folder: path, with: parts, precision: .exact)
  }

  /// Checks that a file and a folder draw the same bytes.
  private func expectSame(
    _ path: String, _ folder: String, of model: SingleFileFixture,
    request: ImageRequest? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let request = request ?? self.request()
    let one = try generator(path, of: model).draw(request)
    let other = try ImageGenerator(folder: folder, precision: .exact).draw(request)
    #expect(one.picture.pixels == other.picture.pixels, sourceLocation: sourceLocation)
    #expect(one.settings == other.settings, sourceLocation: sourceLocation)
    #expect(Set(one.picture.pixels).count > 20, sourceLocation: sourceLocation)
  }

  @Test(
    "one file draws the bytes that its folder draws, by the same sampler",
    arguments: ["sd1", "sd2", "sdxl", "refiner", "distilled"])
  func kinds(name: String) throws {
    let model = try SingleFileFixture(name)
    try withTemporaryFolder { folder in
      let path = "\(folder)/turbo-xl.safetensors"
      try model.write(to: path)
      try expectSame(path, model.folder, of: model)
    }
  }

  @Test("so does one that torch.save wrote, with what a trainer left in it")
  func checkpoint() throws {
    let model = try SingleFileFixture("sd1")
    try expectSame(fixture("single_file/sd1.ckpt"), model.folder, of: model)
  }

  /// A U-Net of other inputs, or of fewer blocks: what is changed in a file, and in a folder.
  struct OtherUNet: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// A setting of the folder's.
    let setting: (key: String, value: JSONValue)
    /// The class of pipeline and, where it is another too, of scheduler.
    var pipeline = "StableDiffusionPipeline"
    var scheduler: String?

    /// Changes the tensors of the U-Net, whose names are below a prefix, with those of the file's own.
    func change(_ tensors: inout SingleFileFixture.Tensors, _ prefix: String, isFile: Bool) throws {
      switch setting.key {
      case "mid_block_type":
        let middle = isFile ? "middle_block." : "mid_block."
        tensors.removeAll { $0.name.hasPrefix(prefix + middle) }
      case "time_cond_proj_dim":
        let values: [Float] = (0..<8 * 4).map { (index: Int) in Float(index % 7) / 8 - 0.4 }
        tensors.append(
          ("\(prefix)time_embedding.cond_proj.weight", try Tensor(values, shape: [8, 4])))
      default:
        let name = prefix + (isFile ? "input_blocks.0.0.weight" : "conv_in.weight")
        for index in tensors.indices where tensors[index].name == name {
          let old = tensors[index].tensor
          let more = try old.sliced(axis: 1, 0..<(setting.value == .integer(9) ? 1 : 0))
            .contiguous()
          tensors[index].tensor = try Tensor.concatenated([old, old, more], axis: 1)
        }
      }
    }
  }

  private static let otherUNets = [
    OtherUNet(testDescription: "nine channels fill holes", setting: ("in_channels", .integer(9))),
    OtherUNet(
      testDescription: "eight channels edit a picture", setting: ("in_channels", .integer(8)),
      pipeline: "StableDiffusionInstructPix2PixPipeline"),
    OtherUNet(
      testDescription: "guidance is an input", setting: ("time_cond_proj_dim", .integer(4)),
      pipeline: "LatentConsistencyModelPipeline", scheduler: "LCMScheduler"),
    OtherUNet(testDescription: "no middle block", setting: ("mid_block_type", .null)),
  ]

  @Test(
    "U-Nets of other inputs, and without a middle, draw what their folders draw",
    arguments: otherUNets)
  func draws(other: OtherUNet) throws {
    let model = try SingleFileFixture("sd1")
    try withTemporaryFolder { folder in
      let (path, copy) = ("\(folder)/one.safetensors", "\(folder)/model")
      try FileManager.default.copyItem(atPath: model.folder, toPath: copy)
      try model.write(to: path) {
        try other.change(&$0, "model.diffusion_model.", isFile: true)
      }
      let weights = "\(copy)/unet/diffusion_pytorch_model.safetensors"
      let old = try SafetensorsFile(weights)
      var tensors = try old.names.map { (name: $0, tensor: try #require(try old.tensor($0))) }
      try other.change(&tensors, "", isFile: false)
      try SafetensorsFile.write(tensors, to: weights)
      try TinyPipeline.set(other.setting.key, other.setting.value, "\(copy)/unet/config.json")
      try TinyPipeline.set("_class_name", .string(other.pipeline), "\(copy)/model_index.json")
      if let scheduler = other.scheduler {
        try TinyPipeline.set(
          "scheduler", ["diffusers", .string(scheduler)], "\(copy)/model_index.json")
      }
      let channels = other.setting.key == "in_channels" ? other.setting.value.integer : nil
      let photo = try Picture(
        width: 24, height: 16, pixels: (0..<24 * 16 * 3).map { UInt8($0 % 251) })
      let mask = try Mask(width: 2, height: 1, pixels: [0, 255])
      try expectSame(
        path, copy, of: model,
        request: request {
          $0.initialPicture = channels == nil ? nil : photo
          $0.mask = channels == 9 ? mask : nil
        })
      // What it is by default follows from the file too.
      let (one, two) = (
        try generator(path, of: model), try ImageGenerator(folder: copy, precision: .exact)
      )
      #expect(one.model.defaults.steps == two.model.defaults.steps)
      #expect(one.model.defaults.guidance == two.model.defaults.guidance)
      // And it comes back from a folder as it was.
      let target = "\(folder)/again.safetensors"
      try ModelConversion(of: copy, to: target).write()
      try expectSame(
        target, copy, of: model,
        request: request {
          $0.initialPicture = channels == nil ? nil : photo
          $0.mask = channels == 9 ? mask : nil
        })
    }
  }

  @Test("a refiner in one file takes over from a model in one file as both folders do")
  func refiner() throws {
    let (base, refiner) = (try SingleFileFixture("sdxl"), try SingleFileFixture("refiner"))
    try withTemporaryFolder { folder in
      let (one, two) = ("\(folder)/base.safetensors", "\(folder)/second.safetensors")
      try base.write(to: one)
      try refiner.write(to: two)
      var parts = ModelParts()
      parts.tokenizer = base.tokenizer
      let request = request { $0.refinerStart = 0.5 }
      let found = try ImageGenerator(folder: one, with: parts, refiner: two, precision: .exact)
        .draw(request)
      let folders = try ImageGenerator(
        folder: base.folder, refiner: refiner.folder, precision: .exact)
      #expect(try found.picture.pixels == folders.draw(request).picture.pixels)
      let alone = try ImageGenerator(folder: base.folder, precision: .exact).draw(request)
      #expect(found.picture.pixels != alone.picture.pixels)
    }
  }

  @Test(
    "a file that lacks any one tensor of its U-Net is refused in a line",
    arguments: ["refiner", "distilled"])
  func lacking(name: String) throws {
    let model = try SingleFileFixture(name)
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      let names = try model.tensors().map(\.name).filter { $0.hasPrefix("model.diffusion_model.") }
      #expect(names.count > 50)
      for missing in names {
        try model.write(to: path) { $0.removeAll { $0.name == missing } }
        let error = #expect(throws: (any Error).self, "\(missing)") {
          try generator(path, of: model)
        }
        #expect((error as? any LanternError)?.kind == .data, "\(missing): \(error as Any)")
      }
    }
  }

  @Test(
    "the text encoder of Stable Diffusion 2 is read in the names of sgm and of a converted folder too"
  )
  func otherTextEncoders() throws {
    let model = try SingleFileFixture("sd2")
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      let old = "cond_stage_model.model."
      try model.write(to: path) { tensors in
        for index in tensors.indices {
          tensors[index].name = tensors[index].name.replacing(
            old, with: "conditioner.embedders.0.model.")
        }
      }
      try expectSame(path, model.folder, of: model)
      // The last layer and the projection are lost in a folder.
      try model.write(to: path) { tensors in
        tensors.removeAll { $0.name.contains("resblocks.2.") || $0.name == "\(old)text_projection" }
      }
      try expectSame(path, model.folder, of: model)
    }
  }

  @Test("parts that a file lacks are named, and taken from folders and files of their own")
  func missingParts() throws {
    let model = try SingleFileFixture("sdxl")
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      try model.write(to: path) { tensors in
        tensors.removeAll { !$0.name.hasPrefix("model.diffusion_model.") }
      }
      func expectMissing(_ part: String, _ change: (inout ModelParts) -> Void) {
        #expect(throws: FormatError.missingPart(name: part, path: path)) {
          try generator(path, of: model, changing: change)
        }
      }
      let vae = "\(folder)/vae.safetensors"
      let (first, second) = ("\(model.folder)/text_encoder", "\(folder)/clip_g.safetensors")
      // As such files are spread: without a prefix.
      try model.write(to: vae) { tensors in
        tensors = tensors.filter { $0.name.hasPrefix("first_stage_model.") }
          .map { (String($0.name.dropFirst("first_stage_model.".count)), $0.tensor) }
      }
      try model.write(to: second) { tensors in
        let prefix = "conditioner.embedders.1.model."
        tensors = tensors.filter { $0.name.hasPrefix(prefix) }
          .map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }
      }
      expectMissing("text_encoder") { _ in }
      expectMissing("text_encoder_2") { $0.textEncoder = first }
      expectMissing("vae") { ($0.textEncoder, $0.textEncoder2) = (first, second) }
      // The width of the sizes is the published models' where no text encoder says how wide its vector is.
      let error = #expect(throws: RequestError.self) {
        try generator(path, of: model) { parts in
          (parts.textEncoder, parts.textEncoder2, parts.autoencoder) = (first, second, vae)
        }
      }
      #expect(error?.description.contains("wants a pooled vector") == true)

      try model.write(to: path) { tensors in
        tensors.removeAll { $0.name.hasPrefix("first_stage_model.") }
      }
      let found = try generator(path, of: model) { $0.autoencoder = vae }.draw(request())
      let expected = try ImageGenerator(folder: model.folder, precision: .exact).draw(request())
      #expect(found.picture.pixels == expected.picture.pixels)
      #expect(found.recipe.parts["vae"] == "vae.safetensors")
    }
  }

  @Test("parts of a folder are replaced too, and keep what the folder scales latents by")
  func replacedParts() throws {
    let model = try SingleFileFixture("sd1")
    try withTemporaryFolder { folder in
      let path = "\(folder)/vae.safetensors"
      try model.write(to: path)
      var parts = ModelParts()
      (parts.autoencoder, parts.textEncoder) = (path, path)
      let found = try ImageGenerator(folder: model.folder, with: parts, precision: .exact)
      let expected = try ImageGenerator(folder: model.folder, precision: .exact)
      #expect(try found.draw(request()).picture.pixels == expected.draw(request()).picture.pixels)
      parts.autoencoder = try SingleFileFixture("sd2").folder + "/vae"
      let other = try ImageGenerator(folder: model.folder, with: parts, precision: .exact)
      #expect(try other.draw(request()).picture.pixels != expected.draw(request()).picture.pixels)
      parts.textEncoder2 = path
      #expect(throws: RequestError.self) {
        try ImageGenerator(folder: model.folder, with: parts, precision: .exact)
      }
    }
  }

  @Test("what a file needs no part for is noted, unless it is known to be of none")
  func unknownTensors() throws {
    let model = try SingleFileFixture("sd1")
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      try model.write(to: path)
      #expect(try !generator(path, of: model).notes.contains { $0.contains("without an effect") })
      try model.write(to: path) { $0.append(("control_model.a", $0[0].tensor)) }
      #expect(
        try generator(path, of: model).notes.contains {
          $0.contains("tensors without an effect: \"control_model.a\"")
        })
      // Within a part, an unknown tensor is another architecture.
      try model.write(to: path) { $0.append(("model.diffusion_model.adapter.a", $0[0].tensor)) }
      #expect(throws: ModelError.self) { try generator(path, of: model) }
    }
  }

  @Test(
    "8-bit floats with a scale are multiplied by it", arguments: ["scale_weight", "weight_scale"])
  func scaled(ending: String) throws {
    let model = try SingleFileFixture("sd1")
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      let layer = "model.diffusion_model.time_embed.0"
      // Four bytes to an integer.
      let bytes: [UInt8] = (0..<32 * 8).map { (index: Int) in UInt8(index * 37 % 0x7F) }
      let bits = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
      let scale = try Tensor([0.0625] as [Float], shape: [])
      try model.write(to: path) { tensors in
        for index in tensors.indices where tensors[index].name == "\(layer).weight" {
          tensors[index].tensor = try Tensor(bits, shape: [32, 2])
        }
        tensors += [
          ("\(layer).\(ending)", scale), ("\(layer).scale_input", scale),
          ("scaled_fp8", try Tensor([] as [Float], shape: [0])),
        ]
      }
      try Self.replaceHeader("\"I32\",\"shape\":[32,2]", "\"F8_E4M3\",\"shape\":[32,8]", in: path)
      let stored = try #require(try SafetensorsFile(path).tensor("\(layer).weight"))
      let found = try generator(path, of: model)
      #expect(!found.notes.contains { $0.contains("without an effect") })
      try model.write(to: path) { tensors in
        for index in tensors.indices where tensors[index].name == "\(layer).weight" {
          tensors[index].tensor = try stored.converted(to: .float32).scaled(by: 0.0625)
        }
      }
      let expected = try generator(path, of: model)
      #expect(try found.draw(request()).picture.pixels == expected.draw(request()).picture.pixels)
    }
  }

  /// Puts one text in place of another in the header of a file of safetensors.
  static func replaceHeader(_ old: String, _ new: String, in path: String) throws {
    let url = URL(fileURLWithPath: path)
    let data = try Data(contentsOf: url)
    let count = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = String(decoding: data[8..<8 + count], as: UTF8.self)
      .replacing(old, with: new)
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    try (length + Data(header.utf8) + data[(8 + count)...]).write(to: url)
  }

  @Test("with CLIP's own vocabulary a file needs no tokenizer")
  func vocabulary() throws {
    let model = try SingleFileFixture("sd1")
    try withTemporaryFolder { folder in
      let (path, copy) = ("\(folder)/one.safetensors", "\(folder)/model")
      let ending = "embeddings.token_embedding.weight"
      func widened(_ tensor: Tensor) throws -> Tensor {
        let count = 49408
        let rows = Array(repeating: tensor, count: count / tensor.shape[0] + 1)
        return try Tensor.concatenated(rows, axis: 0).sliced(axis: 0, 0..<count).contiguous()
      }
      func change(_ tensors: inout SingleFileFixture.Tensors) throws {
        for index in tensors.indices where tensors[index].name.hasSuffix(ending) {
          tensors[index].tensor = try widened(tensors[index].tensor)
        }
      }
      try model.write(to: path, changing: change)
      try FileManager.default.copyItem(atPath: model.folder, toPath: copy)
      let weights = "\(copy)/text_encoder/model.safetensors"
      let old = try SafetensorsFile(weights)
      var tensors = try old.names.map { (name: $0, tensor: try #require(try old.tensor($0))) }
      try change(&tensors)
      try SafetensorsFile.write(tensors, to: weights)
      try TinyPipeline.set("vocab_size", .integer(49408), "\(copy)/text_encoder/config.json")
      try FileManager.default.removeItem(atPath: "\(copy)/tokenizer")
      try FileManager.default.copyItem(
        atPath: repositoryPath("weights/clip"), toPath: "\(copy)/tokenizer")
      let one = try ImageGenerator(folder: path, precision: .exact).draw(request())
      let other = try ImageGenerator(folder: copy, precision: .exact).draw(request())
      #expect(one.picture.pixels == other.picture.pixels)
      #expect(one.picture.pixels != (try generator(path, of: model).draw(request()).picture.pixels))
    }
  }
}

/// What a file's U-Net predicts, which no shape shows.
@Suite struct SingleFilePredictionTests {
  /// What a file says, and what follows.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var model = "sd2"
    var metadata: [String: String] = [:]
    var keys: [String] = []
    var yaml: String?
    /// What the bias of the last attention is multiplied by: it decides where nothing else does.
    var spread: Float = 1
    let expected: PredictionType
    var isZero = false
    let rule: String
  }

  static let cases = [
    Case(testDescription: "a wide bias", expected: .velocity, rule: "spread of a bias"),
    Case(
      testDescription: "a narrow bias", spread: 0.01, expected: .epsilon, rule: "spread of a bias"),
    Case(
      testDescription: "nothing", model: "sdxl", expected: .epsilon, rule: "nothing in the file"),
    Case(
      testDescription: "metadata", metadata: ["modelspec.prediction_type": "epsilon"],
      expected: .epsilon, rule: "metadata modelspec.prediction_type"),
    Case(
      testDescription: "an architecture in metadata",
      metadata: ["modelspec.architecture": "stable-diffusion-v2-768-v"], spread: 0,
      expected: .velocity, rule: "metadata modelspec.architecture"),
    Case(
      testDescription: "a key over metadata", model: "sdxl",
      metadata: ["modelspec.prediction_type": "epsilon"], keys: ["v_pred"], expected: .velocity,
      rule: "the key v_pred"),
    Case(
      testDescription: "two keys", model: "sdxl", keys: ["v_pred", "ztsnr"], expected: .velocity,
      isZero: true, rule: "the keys v_pred and ztsnr"),
    Case(
      testDescription: "a .yaml over keys", model: "sdxl", keys: ["v_pred"],
      yaml: "model:\n  params:\n    parameterization: \"eps\"\n", expected: .epsilon,
      rule: "parameterization in"),
    Case(
      testDescription: "a .yaml of sgm", model: "sdxl",
      yaml:
        "  scaling_config:\n    target: sgm.modules.diffusionmodules.denoiser_scaling.VScaling\n",
      expected: .velocity, rule: "scaling_config in"),
  ]

  private func write(_ row: Case, _ folder: String) throws -> String {
    let path = "\(folder)/one.safetensors"
    try SingleFileFixture(row.model).write(to: path, metadata: row.metadata) { tensors in
      for index in tensors.indices
      where tensors[index].name.hasSuffix("output_blocks.3.1.transformer_blocks.0.norm1.bias") {
        tensors[index].tensor = try tensors[index].tensor.converted(to: .float32)
          .scaled(by: row.spread)
      }
      tensors += try row.keys.map { ($0, try Tensor([] as [Float], shape: [0])) }
    }
    try row.yaml?.write(toFile: "\(folder)/one.yaml", atomically: true, encoding: .utf8)
    return path
  }

  @Test("the first rule that says something decides, and is named", arguments: cases)
  func rules(row: Case) throws {
    try withTemporaryFolder { folder in
      let generator = try ImageGenerator(folder: write(row, folder), precision: .exact)
      #expect(generator.model.schedule.prediction == row.expected)
      // ᾱ of the last timestep.
      #expect((generator.model.schedule.alphaBars.last ?? 1 < 1e-6) == row.isZero)
      #expect(generator.notes.contains { $0.contains("predicts") && $0.contains(row.rule) })
    }
  }

  @Test("a request decides over all of them, for folders too")
  func requested() throws {
    var parts = ModelParts()
    (parts.prediction, parts.hasZeroTerminalSNR) = (.velocity, true)
    for path in [fixture("single_file/sd1.ckpt"), fixture("single_file/sdxl")] {
      let generator = try ImageGenerator(folder: path, with: parts, precision: .exact)
      #expect(generator.model.schedule.prediction == .velocity)
      #expect(generator.model.schedule.alphaBars.last ?? 1 < 1e-6)
    }
  }

  @Test(
    "a model of EDM's levels is refused by name", arguments: ["edm_vpred.sigma_max", "edm_mean"])
  func edm(key: String) throws {
    try withTemporaryFolder { folder in
      let row = Case(testDescription: "", model: "sdxl", keys: [key], expected: .epsilon, rule: "")
      let error = try #require(
        #expect(throws: ModelError.self) { try ImageGenerator(folder: write(row, folder)) })
      #expect("\(error)".contains(key))
    }
  }
}

/// What a file in place of a model may claim.
@Suite struct HostileSingleFileTests {
  /// What is done to a sound file.
  struct Lie: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let ending: String
    /// The shape that the tensors of this ending get; none are left when nil.
    let shape: [Int]?
  }

  static let lies = [
    Lie(
      testDescription: "joined rows that are no thirds", ending: "in_proj_weight", shape: [4, 16]),
    Lie(testDescription: "joined rows of no axis", ending: "in_proj_bias", shape: []),
    Lie(testDescription: "no rows", ending: "in_proj_weight", shape: [0, 16]),
    Lie(testDescription: "a vector of tokens", ending: "token_embedding.weight", shape: [7]),
    Lie(testDescription: "a number for a convolution", ending: "conv1.weight", shape: []),
    Lie(
      testDescription: "channels of nothing", ending: "0.in_layers.2.weight", shape: [0, 0, 0, 0]),
    Lie(testDescription: "a time of no axis", ending: "time_embed.0.weight", shape: []),
    Lie(testDescription: "text of one axis", ending: "attn2.to_k.weight", shape: [8]),
    Lie(testDescription: "text of no width", ending: "attn2.to_k.weight", shape: [8, 0]),
    Lie(testDescription: "no last layer", ending: "ln_final.weight", shape: nil),
    Lie(testDescription: "no positions", ending: "positional_embedding", shape: nil),
    Lie(testDescription: "no end", ending: "out.2.weight", shape: nil),
    Lie(testDescription: "no attention", ending: "norm.weight", shape: nil),
    Lie(testDescription: "no way up", ending: "0.in_layers.0.weight", shape: nil),
  ]

  @Test("a shape that cannot be, or a tensor that is missing, is one clear error", arguments: lies)
  func lie(_ lie: Lie) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      try SingleFileFixture("sd2").write(to: path) { tensors in
        let count = tensors.count
        if let shape = lie.shape {
          for index in tensors.indices where tensors[index].name.hasSuffix(lie.ending) {
            tensors[index].tensor = try Tensor(repeating: 0.5, shape: shape)
          }
        } else {
          tensors.removeAll { $0.name.hasSuffix(lie.ending) }
          #expect(tensors.count < count)
        }
      }
      let error = #expect(throws: (any Error).self) {
        let generator = try ImageGenerator(folder: path)
        try generator.readEverything()
      }
      #expect(error is any LanternError, "\(error.map { "\($0)" } ?? "read")")
      #expect("\(error.map { "\($0)" } ?? "")".contains(path))
    }
  }

  @Test("a file that is cut short is one clear error", arguments: ["safetensors", "ckpt"])
  func truncated(ending: String) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.\(ending)"
      try SingleFileFixture("sd1").write(to: path)
      let whole = try Data(
        contentsOf: URL(
          fileURLWithPath: ending == "ckpt" ? fixture("single_file/sd1.ckpt") : path))
      for count in [0, 1, 7, 9, 100, 5000, whole.count / 2, whole.count - 1] {
        try whole.prefix(count).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: (any Error).self) { try ImageGenerator(folder: path) }
        #expect(error is any LanternError, "\(count): \(error.map { "\($0)" } ?? "read")")
      }
    }
  }

  @Test(
    "a file without a U-Net, or with one of another kind, is named",
    arguments: [
      ("first_stage_model.", "an autoencoder"), ("cond_stage_model.", "the original code"),
      ("model.diffusion_model.joint_blocks.0.x", "Stable Diffusion 3"),
      ("double_blocks.0.img_attn.norm.key_norm.scale", "FLUX"), ("x", "unknown tensors"),
    ])
  func others(prefix: String, said: String) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      try SingleFileFixture("sd1").write(to: path) { tensors in
        let kept = tensors.filter { $0.name.hasPrefix(prefix) }
        tensors = kept.isEmpty ? [(prefix, tensors[0].tensor)] : kept
      }
      let error = #expect(throws: ModelError.self) { try ImageGenerator(folder: path) }
      #expect(error.map { "\($0)" }?.contains(said) == true, "\(error.map { "\($0)" } ?? "")")
    }
  }

  @Test(
    "a label embedding that is not SDXL's is refused by name",
    arguments: [
      ("sd2", "label_emb.0.0.weight", 1024, "unCLIP"),
      ("sd2", "label_emb.weight", 1024, "upscaler"),
    ])
  func labels(model: String, name: String, width: Int, said: String) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/one.safetensors"
      try SingleFileFixture(model).write(to: path) { tensors in
        for index in tensors.indices where tensors[index].name.hasSuffix("attn2.to_k.weight") {
          tensors[index].tensor = try Tensor(repeating: 0.5, shape: [8, width])
        }
        if name.hasPrefix("label") {
          for layer in name.contains(".0.") ? [name, "label_emb.0.2.weight"] : [name] {
            tensors.append(
              ("model.diffusion_model.\(layer)", try Tensor(repeating: 0.5, shape: [32, 32])))
          }
        }
      }
      let error = #expect(throws: ModelError.self) { try ImageGenerator(folder: path) }
      #expect(error.map { "\($0)" }?.contains(said) == true, "\(error.map { "\($0)" } ?? "")")
    }
  }
}
