import Lantern
import LanternFormats
import LanternSamplers
import TestSupport
import Testing

@Suite struct PictureRecipeTests {
  private func drawn(_ change: (inout ImageRequest) throws -> Void) throws -> PictureRecipe {
    var request = ImageRequest(prompt: "a fox\nNegative prompt: no\nSteps: 3, \"é🦊\"")
    request.steps = 2
    try change(&request)
    let generator = try ImageGenerator(folder: TinyPipeline.folder)
    return PictureRecipe(request, try generator.draw(request).settings, generator)
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
    let again = try #require(PictureRecipe(recipe.metadata))
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
      request.steps = 1
      let recipe = PictureRecipe(request, try generator.draw(request).settings, generator)
      #expect(try #require(PictureRecipe(recipe.metadata)).precision == precision)
      #expect(recipe.parameters.contains("precision") == false)
    }
    let strange = PictureMetadata([.init(key: "lantern", text: #"{"precision": "int3"}"#)])
    #expect(PictureRecipe(strange)?.precision == .exact)
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
      let request = try #require(PictureRecipe(recipe.metadata)).request
      #expect(request.usesCFGPlusPlus == isPlusPlus)
      #expect(request.guidance == (isPlusPlus ? 0.6 : 7.5))
      #expect(request.dynamicThresholding?.mimicScale == (isPlusPlus ? nil : 0.25))
      #expect(request.dynamicThresholding?.percentile == (isPlusPlus ? nil : 0.5))
    }
  }

  @Test("webui's tags name LoRAs, and are no words of the prompt")
  func tags() throws {
    let text = "a fox <lora:style:0.8>, sly <lora:more> \nSteps: 20, Seed: 7"
    let recipe = try #require(PictureRecipe(["parameters": text]))
    #expect(recipe.request.prompt == "a fox , sly")
    #expect(recipe.loras == ["style.safetensors:0.8", "more.safetensors:1"])
    #expect(recipe.parameters.hasPrefix("a fox , sly <lora:style:0.8> <lora:more:1>\n"))
    for broken in ["a <lora:", "a <lora:>", "<lora:x"] {
      #expect(PictureRecipe(["parameters": broken])?.request.prompt.isEmpty == false)
    }
  }

  @Test("stable-diffusion-webui reads the rest, and what it writes is read")
  func parameters() throws {
    let recipe = try drawn { request in
      request.prompt = "a fox"
      request.negativePrompt = "snow"
      request.initialPicture = try TinyPipeline().photo()
      request.strength = 0.6
      request.clipSkip = 1
    }
    #expect(
      recipe.metadata["parameters"] == """
        a fox
        Negative prompt: snow
        Steps: 2, Sampler: DDIM, CFG scale: 7.5, Seed: 42, Size: 72x48, Model: tiny_pipeline, \
        Denoising strength: 0.6, Clip skip: 2, Version: Lantern
        """)
    let webUI = try #require(
      PictureRecipe([
        "parameters": """
        a fox,
        at night
        Negative prompt: snow,
        ice
        Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 4294967295, Size: 512x768, \
        Model hash: abc, Model: v1-5, Denoising strength: 0.29, Clip skip: 2, ENSD: 31337
        """
      ]))
    #expect(webUI.model == "v1-5")
    #expect(webUI.needsInitialPicture)
    let request = webUI.request
    #expect(request.prompt == "a fox,\nat night")
    #expect(request.negativePrompt == "snow,\nice")
    #expect(request.steps == 20)
    #expect(request.sampler == "DPM++ 2M")
    #expect(request.schedule == "karras")
    #expect(request.guidance == 7)
    #expect(request.seed == 4_294_967_295)
    #expect((request.width, request.height) == (512, 768))
    #expect(request.strength == 0.29)
    #expect(request.clipSkip == 1)
  }

  @Test("without such texts there is no recipe")
  func none() {
    #expect(PictureRecipe([:]) == nil)
    #expect(PictureRecipe(["Comment": "Steps: 3"]) == nil)
    #expect(PictureRecipe(["lantern": "{"]) == nil)
    #expect(PictureRecipe(["lantern": "[1]", "parameters": "fox"])?.request.prompt == "fox")
  }

  @Test(
    "texts of strangers do no harm",
    arguments: [
      "", "\n", "Steps: ", "Steps: ,", "Steps: 1, :, Seed: -1, Size: x, Size: 1x2x3, Clip skip: x",
      "Steps: 99999999999999999999, CFG scale: 1e999, Denoising strength: nan, Seed: 1e9",
      "Steps: 1, Clip skip: \(Int.min)", "Steps: 1, Clip skip: \(Int.max), Size: \(Int.min)x0",
      "Negative prompt: ", "Negative prompt: Negative prompt: x\nSteps: 1, Sampler:  Karras",
    ])
  func strangers(text: String) throws {
    let recipe = try #require(PictureRecipe(["parameters": text]))
    #expect(!recipe.parameters.isEmpty)
    #expect(PictureRecipe(recipe.metadata) != nil)
    let numbers = JSONValue.object([
      "clip_skip": .integer(.max), "steps": .integer(.min), "seed": .string("-1"),
      "strength": .number(1e300), "guidance": .number(-1e300), "prompt": .null,
      "width": .string(text),
    ])
    let exact = try #require(PictureRecipe(["lantern": JSON.write(numbers)]))
    #expect(exact.parameters.contains("Clip skip: 9223372036854775808"))
    #expect(exact.request.strength == 1e300)
  }
}
