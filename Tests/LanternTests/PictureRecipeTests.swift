import Lantern
import LanternFormats
import LanternSamplers
import TestSupport
import Testing

@Suite struct PictureRecipeTests {
  private func drawn(_ change: (inout ImageRequest) throws -> Void) throws -> PictureRecipe {
    var request = ImageRequest(prompt: "a fox\nNegative prompt: no\nSteps: 3, \"é🦊\"")
    request.seed = 42
    request.steps = 2
    try change(&request)
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    return try generator.draw(request).recipe
  }

  @Test(
    "a picture that a program of one's own writes says how it was drawn, and is drawn again from that",
    arguments: ["fox.png", "fox.jpg"])
  func library(name: String) async throws {
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    var request = ImageRequest(prompt: "a fox, \"sly\"")
    request.steps = 2
    var finished: GeneratedImage?
    for try await event in generator.generate(request) {
      if case .finished(let image) = event { finished = image }
    }
    let drawn = try #require(finished)
    try withTemporaryFolder { folder in
      try drawn.picture.write(to: "\(folder)/\(name)")
      let texts = try PictureMetadata(contentsOf: "\(folder)/\(name)")
      #expect(texts.entries.map(\.key) == ["parameters", "lantern"])
      #expect(texts["parameters"]?.contains("Seed: \(request.seed)") == true)
      let recipe = try #require(try PictureRecipe(texts))
      #expect(recipe == drawn.recipe)
      #expect(try generator.draw(recipe.request).picture == drawn.picture)
      try drawn.picture.write(to: "\(folder)/bare-\(name)", metadata: [:])
      #expect(try PictureMetadata(contentsOf: "\(folder)/bare-\(name)").entries.isEmpty)
    }
  }

  @Test("a picture's texts draw it again, whatever the prompt looks like")
  func exact() throws {
    let recipe = try drawn { request in
      request.negativePrompt = "Steps: 20, \n{}"
      request.sampler = "Euler A"
      request.schedule = "karras"
      request.guidance = 3.3
      request.guidanceRescale = 0.25
      request.guidanceInterval = 0.5...4.5
      request.projectedGuidance = AdaptiveProjectedGuidance(threshold: 7.5, momentum: -0.5)
      request.eta = 0.75
      request.convention = .kDiffusion
      request.seed = .max
      request.clipSkip = 1
      request.width = 72
      request.tiledDecoding = true
      request.literalPrompt = true
    }
    let again = try #require(try PictureRecipe(recipe.metadata))
    #expect(again == recipe)
    #expect(again.model == "tiny_pipeline")
    #expect(!again.needsInitialPicture)
    let request = again.request
    #expect(request.prompt == "a fox\nNegative prompt: no\nSteps: 3, \"é🦊\"")
    #expect(request.negativePrompt == "Steps: 20, \n{}")
    #expect(request.sampler == "euler_a")
    #expect(request.schedule == "karras")
    #expect(request.guidance == 3.3)
    #expect(request.guidanceRescale == 0.25 && request.guidanceInterval == 0.5...4.5)
    #expect(request.projectedGuidance?.threshold == 7.5)
    #expect(request.eta == 0.75 && request.convention == .kDiffusion)
    #expect(request.seed == .max)
    #expect(request.steps == 2)
    #expect(request.clipSkip == 1)
    #expect((request.width, request.height) == (72, 64))
    #expect(request.tiledDecoding)
    #expect(request.literalPrompt)
  }

  @Test("a recipe tells the precision, and one that does not was drawn exactly")
  func precision() throws {
    for precision in Precision.allCases {
      let generator = try ImageGenerator(folder: TinyPipeline.folder, precision: precision)
      var request = ImageRequest(prompt: "a fox")
      request.seed = 42
      request.steps = 1
      let recipe = try generator.draw(request).recipe
      #expect(try #require(try PictureRecipe(recipe.metadata)).precision == precision)
      #expect(recipe.parameters.contains("precision") == false)
    }
    let strange = PictureMetadata([.init(key: "lantern", text: #"{"precision": "int3"}"#)])
    #expect(try PictureRecipe(strange)?.precision == .exact)
  }

  @Test("so do those of guidance of other kinds")
  func guidance() throws {
    for isPlusPlus in [true, false] {
      let recipe = try drawn { request in
        request.sampler = "ddim"
        request.usesCFGPlusPlus = isPlusPlus
        request.dynamicThresholding =
          isPlusPlus ? nil : DynamicThresholding(mimicScale: 0.25, percentile: 0.5)
      }
      let request = try #require(try PictureRecipe(recipe.metadata)).request
      #expect(request.usesCFGPlusPlus == isPlusPlus)
      #expect(request.guidance == (isPlusPlus ? 0.6 : 7.5))
      #expect(request.dynamicThresholding?.mimicScale == (isPlusPlus ? nil : 0.25))
      #expect(request.dynamicThresholding?.percentile == (isPlusPlus ? nil : 0.5))
    }
  }

  @Test("webui's tags name LoRAs, and are no words of the prompt")
  func tags() throws {
    let text = "a fox <lora:style:0.8>, sly <lora:more> <lora:a:x:2> \nSteps: 20, Seed: 7"
    let recipe = try #require(try PictureRecipe(["parameters": text]))
    #expect(recipe.request.prompt == "a fox , sly")
    #expect(
      recipe.loras == ["style.safetensors:0.8", "more.safetensors:1", "a.safetensors:1"])
    #expect(
      recipe.parameters.hasPrefix("a fox , sly <lora:style:0.8> <lora:more:1> <lora:a:1>\n"))
    for broken in ["a <lora:", "a <lora:>", "<lora:x"] {
      #expect(try PictureRecipe(["parameters": broken])?.request.prompt.isEmpty == false)
    }
  }

  @Test("what webui reads is written in its names, with version and hash")
  func parameters() throws {
    let recipe = try drawn { request in
      request.prompt = "a fox"
      request.negativePrompt = "snow"
      request.initialPicture = try TinyPipeline().photo()
      request.strength = 0.6
      request.clipSkip = 1
      request.schedule = "karras"
    }
    #expect(
      recipe.metadata["parameters"] == """
        a fox
        Negative prompt: snow
        Steps: 2, Sampler: DDIM, Schedule type: Karras, CFG scale: 7.5, Seed: 42, Size: 72x48, \
        Model hash: 7d322f651a, Model: tiny_pipeline, Denoising strength: 0.6, Clip skip: 2, \
        Version: lantern \(LanternVersion.number)
        """)
    #expect(recipe.instructionSet == ComputeEngine.instructionSet)
  }

  @Test("webui's text alone says the same as the exact one, whatever the prompt looks like")
  func roundTrip() throws {
    let prompts = [
      "a fox", "a, \"b: c\"", "a\nNegative prompt: b\nSteps: 9, Seed: 4, Size: 8x8", " a \n", "",
      "\r\nSteps: 3", "Prompt: \"x\", b: c", "a [b|c] {d} \\",
    ]
    for (index, prompt) in prompts.enumerated() {
      let values: [String: JSONValue] = [
        "prompt": .string(prompt), "negative": .string(prompts[prompts.count - 1 - index]),
        "steps": .integer(index + 1), "guidance": .number(3.25), "seed": .string("\(UInt64.max)"),
        "sampler": .string(SamplerCatalogue.rows[index].name), "width": .integer(64),
        "height": .integer(72), "model": .string(prompt.isEmpty ? "m" : "m, \"\(index)\": x"),
        "clip_skip": .integer(index), "guidance_rescale": .number(0.5),
        "schedule": .string(["karras", "polyexponential", "linspace"][index % 3]),
      ]
      let exact = try #require(try PictureRecipe(["lantern": JSON.write(.object(values))]))
      let read = try #require(try PictureRecipe(["parameters": exact.parameters]))
      let (a, b) = (exact.request, read.request)
      #expect(a.prompt == b.prompt && a.negativePrompt == b.negativePrompt)
      #expect(a.steps == b.steps && a.guidance == b.guidance && a.seed == b.seed)
      #expect(a.sampler == b.sampler && a.schedule == b.schedule)
      #expect(a.width == b.width && a.height == b.height && a.clipSkip == b.clipSkip)
      #expect(a.guidanceRescale == b.guidanceRescale && exact.model == read.model)
      #expect(read.notes.isEmpty, "\(read.notes)")
    }
  }

  @Test("without such texts there is no recipe")
  func none() throws {
    #expect(try PictureRecipe([:]) == nil)
    #expect(try PictureRecipe(["Comment": "Steps: 3"]) == nil)
    #expect(try PictureRecipe(["lantern": "{"]) == nil)
    #expect(try PictureRecipe(["lantern": "[1]", "parameters": "fox"])?.request.prompt == "fox")
  }

  @Test(
    "texts of strangers do no harm",
    arguments: [
      "", "\n", "Steps: ", "Steps: ,", "Steps: 1, :, Seed: -1, Size: x, Size: 1x2x3, Clip skip: x",
      "Steps: 99999999999999999999, CFG scale: 1e999, Denoising strength: nan, Seed: 1e9",
      "Steps: 1, Clip skip: \(Int.min)", "Steps: 1, Clip skip: \(Int.max), Size: \(Int.min)x0",
      "Negative prompt: ", "Negative prompt: Negative prompt: x\nSteps: 1, Sampler:  Karras",
      "Steps: 1, Seed: 2, Eta: 1e9, CFG rescale: nan, Schedule rho: -1, Clip skip: -9",
    ])
  func strangers(text: String) throws {
    let recipe = try #require(try PictureRecipe(["parameters": text]))
    #expect(!recipe.parameters.isEmpty)
    #expect(try PictureRecipe(recipe.metadata) != nil)
    let numbers = JSONValue.object([
      "clip_skip": .integer(.max), "steps": .integer(.min), "seed": .string("-1"),
      "strength": .number(1e300), "guidance": .number(-1e300), "prompt": .null,
      "width": .string(text),
    ])
    let exact = try #require(try PictureRecipe(["lantern": JSON.write(numbers)]))
    #expect(exact.parameters.contains("Clip skip: 9223372036854775808"))
    #expect(exact.seed == nil)
    #expect(exact.request.strength == 1e300)
  }
}
