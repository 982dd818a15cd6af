import Lantern
import LanternFormats
import TestSupport
import Testing

/// What other programs keep beside their pictures, in their spelling.
@Suite struct ForeignRecipeTests {
  private func webUI(_ settings: String, prompt: String = "a fox") throws -> PictureRecipe {
    try #require(
      try PictureRecipe(["parameters": "\(prompt)\nSteps: 20, \(settings), Size: 64x72"]))
  }

  @Test("stable-diffusion-webui's settings are heeded, old ones and new ones")
  func webUI() throws {
    let recipe = try #require(
      try PictureRecipe([
        "parameters": """
        a fox,
        at night
        Negative prompt: snow,
        ice
        Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 4294967295, Size: 512x768, \
        Model hash: abc, Model: v1-5, Denoising strength: 0.29, Clip skip: 2, ENSD: 31337
        """
      ]))
    #expect(recipe.model == "v1-5" && recipe.modelHash == "abc")
    #expect(recipe.program == "webui" && recipe.foreignStrength == 0.29)
    #expect(!recipe.needsInitialPicture)
    let request = recipe.request
    #expect(request.prompt == "a fox,\nat night")
    #expect(request.negativePrompt == "snow,\nice")
    #expect(request.steps == 20 && request.guidance == 7 && request.seed == 4_294_967_295)
    #expect(request.sampler == "dpm++2m" && request.schedule == "karras")
    #expect((request.width, request.height) == (512, 768))
    #expect(request.strength == 0.29 && request.clipSkip == 1)
    #expect(recipe.notes == ["of webui's settings these have no effect here: ENSD: 31337"])
  }

  @Test(
    "schedules are webui's: by name, by the sampler's own, and by their exponent",
    arguments: [
      ("Sampler: DPM++ 2M", nil), ("Sampler: DPM++ 2M, Schedule type: Karras", "karras"),
      ("Sampler: DPM++ 2M, Schedule type: Automatic", "karras"),
      ("Sampler: DPM++ 2M SDE, Schedule type: Automatic", "exponential"),
      ("Sampler: Euler a, Schedule type: Automatic", "linspace"),
      ("Sampler: DDIM, Schedule type: Automatic", nil),
      ("Sampler: Euler, Schedule type: Uniform", "linspace"),
      ("Sampler: Euler, Schedule type: DDIM", "leading"),
      ("Sampler: Euler, Schedule type: SGM Uniform", "sgm_uniform"),
      ("Sampler: Euler, Schedule type: Align Your Steps", "ays"),
      ("Sampler: Euler, Schedule type: Align Your Steps 32", "ays"),
      ("Sampler: Euler, Schedule type: Polyexponential", "exponential"),
      ("Sampler: Euler, Schedule type: Polyexponential, Schedule rho: 2.0", "polyexponential"),
      ("Sampler: Euler, Schedule type: Polyexponential, Schedule rho: 3", "polyexponential"),
      ("Sampler: Euler, Schedule type: Karras, Schedule rho: 7", "karras"),
      ("Sampler: Euler, Schedule type: Turbo", nil),
    ] as [(String, String?)])
  func schedules(settings: String, schedule: String?) throws {
    let recipe = try webUI(settings + ", Seed: 1")
    #expect(recipe.request.schedule == schedule)
    let isOther = ["32", "Turbo", "Polyexponential", "rho: 3"].contains { settings.hasSuffix($0) }
    #expect(recipe.notes.count == (isOther ? 1 : 0), "\(recipe.notes)")
  }

  @Test("what has no effect is told in one line, and what is off is not")
  func told() throws {
    let recipe = try webUI(
      "Sampler: Euler a, Seed: 5, Variation seed: 7, Variation seed strength: 0.3, Refiner: x, "
        + "Refiner switch at: 0.8, Tiling: True, Face restoration: CodeFormer, RNG: NV, VAE: a.pt, "
        + "Schedule max sigma: 9, Token merging ratio: 0.5, ControlNet 0: \"a: b, c\", "
        + "Lora hashes: \"x: 1\", Restore faces: False, Refiner steps: 0, Version: v1.10.1")
    #expect(
      recipe.notes == [
        "of webui v1.10.1's settings these have no effect here: Variation seed: 7, Variation seed "
          + "strength: 0.3, Refiner: x, Tiling: True, Face restoration: "
          + "CodeFormer, RNG: NV, VAE: a.pt, Schedule max sigma: 9, Token merging ratio: 0.5, "
          + "ControlNet 0: a: b, c"
      ])
    #expect(recipe.request.refinerStart == 0.8)
    #expect(try webUI("Sampler: Euler, Seed: 5, RNG: CPU, Version: v1.6.0").notes.isEmpty)
    let many = try webUI((0..<40).map { "Odd \($0): \u{1B}[1m" }.joined(separator: ", "))
    #expect(many.notes.count == 1 && many.notes[0].hasSuffix("and 24 more"))
    #expect(!many.notes[0].contains("\u{1B}"))
  }

  @Test("hashes of LoRAs are read by the names of their files")
  func hashes() throws {
    let recipe = try webUI("Sampler: Euler, Seed: 5, Lora hashes: \"x: 1F, y z: 2\"")
    #expect(recipe.loraHashes == ["x.safetensors": "1f", "y z.safetensors": "2"])
  }

  @Test(
    "a second pass is read in webui's words, and its strength is not that of a picture to begin from"
  )
  func hires() throws {
    let recipe = try webUI(
      "Sampler: Euler, Seed: 5, Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: Latent, "
        + "Hires prompt: \"a, b\", Hires negative prompt: c, Hires sampler: DPM++ 2M Karras, "
        + "Hires CFG Scale: 5, Hires Module 1: Built-in")
    #expect(recipe.foreignStrength == nil && recipe.request.strength == 0.75)
    var expected = Hires(.factor(2))
    expected.denoise = 0.5
    (expected.prompt, expected.negativePrompt) = ("a, b", "c")
    (expected.sampler, expected.schedule, expected.guidance) = ("dpm++2m", "karras", 5)
    #expect(recipe.request.hires == expected)
    #expect(
      recipe.notes == ["of webui's settings these have no effect here: Hires Module 1: Built-in"])
    let same = try webUI(
      "Seed: 1, Hires upscale: 2, Hires sampler: Use same sampler, Hires schedule type: SGM Uniform"
    )
    #expect(same.request.hires?.sampler == nil && same.request.hires?.schedule == "sgm_uniform")
    let strange = try webUI("Seed: 1, Hires upscale: 2, Hires schedule type: Wavy")
    #expect(strange.request.hires?.schedule == nil && strange.notes.joined().contains("Wavy"))
    let sized = try webUI(
      "Denoising strength: 0.4, Seed: 1, Hires resize: 96x128, Hires steps: 7, "
        + "Hires upscaler: Latent (bicubic antialiased), Model: m")
    var other = Hires(.pixels(ImageRequest.Size(width: 96, height: 128)))
    (other.denoise, other.steps) = (0.4, 7)
    other.upscaler = "latent-bicubic-antialiased"
    #expect(sized.request.hires == other && sized.notes.isEmpty)
    #expect(
      try webUI("Seed: 1, Hires upscale: 1.5, Hires upscaler: None").request.hires?.upscaler
        == "lanczos")
    let network = try webUI("Seed: 1, Hires upscale: 1.5, Hires upscaler: R-ESRGAN 4x+")
    #expect(network.request.hires?.upscaler == "R-ESRGAN 4x+")
    // Without what enlarges nothing is, as in versions that wrote it otherwise.
    for text in ["Seed: 1, Model: m, Hires steps: 3", "Seed: 1, Model: m, Hires upscale: 99"] {
      let recipe = try webUI(text)
      #expect(recipe.request.hires == nil && recipe.notes.first?.contains("Hires") == true)
    }
    let old = try webUI("Seed: 1, Model: m, Denoising strength: 0.5, First pass size: 0x0")
    #expect(old.request.hires == nil && old.foreignStrength == nil)
    #expect(old.notes.first?.contains("Denoising strength: 0.5, First pass size: 0x0") == true)
    #expect((recipe.request.width, recipe.request.height) == (64, 72))
  }

  @Test("a seed of -1 is any, other negative ones are PyTorch's, and what is none is told")
  func seeds() throws {
    #expect(try webUI("Seed: -1, Model: m").seed == nil)
    #expect(try webUI("Seed: -2, Model: m").request.seed == .max - 1)
    #expect(try webUI("Seed: 18446744073709551615, Model: m").request.seed == .max)
    #expect(try webUI("Seed: 1e9, Model: m").notes.first?.contains("Seed: 1e9") == true)
  }

  @Test("eta is heeded by samplers that draw noise, and CFG++ is what webui makes of it")
  func guidance() throws {
    #expect(try webUI("Sampler: Euler a, Eta: 0.5").request.eta == 0.5)
    #expect(try webUI("Sampler: Euler, Eta: 0.5").request.eta == nil)
    #expect(try webUI("Sampler: Euler, Eta: 0.5").notes.first?.contains("Eta: 0.5") == true)
    let cpp = "CFG scale: 7.0, Eta: 0.0, Sampler: euler_a karras, Version: stable-diffusion.cpp"
    #expect(try webUI(cpp).request.eta == nil)
    #expect(try webUI(cpp).program == "stable-diffusion.cpp")
    let plus = try webUI("Sampler: DDIM CFG++, CFG scale: 7.5").request
    #expect(plus.usesCFGPlusPlus && plus.guidance == 0.6 && plus.sampler == "ddim")
    #expect(try webUI("Sampler: Restart, Seed: 1").request.sampler == "Restart")
  }

  @Test("SwarmUI, InvokeAI, Fooocus and NovelAI are read, each by its own names")
  func flat() throws {
    let texts: [(String, PictureMetadata)] = [
      (
        "SwarmUI",
        [
          "parameters": """
          {"sui_image_params": {"prompt": "a fox", "negativeprompt": "snow", "model": "m",
          "seed": 18446744073709551615, "steps": 9, "cfgscale": 3.5, "width": 64, "height": 72,
          "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "refinersteps": 4,
          "swarm_version": "0.9"}, "sui_extra_data": {"date": "x"}}
          """
        ]
      ),
      (
        "InvokeAI",
        [
          "invokeai_metadata": """
          {"positive_prompt": "a fox", "negative_prompt": "snow", "model": {"name": "m", "key": "k"},
          "seed": 18446744073709551615, "steps": 9, "cfg_scale": 3.5, "width": 64, "height": 72,
          "scheduler": "dpmpp_2m_sde_k", "rand_device": "cpu", "vae": {"name": "v"}}
          """
        ]
      ),
      (
        "Fooocus",
        [
          "fooocus_scheme": "fooocus",
          "parameters": """
          {"prompt": "a fox", "negative_prompt": "snow", "base_model": "m", "steps": 9,
          "seed": "18446744073709551615", "guidance_scale": 3.5, "resolution": "(64, 72)",
          "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "styles": "['Fooocus V2']",
          "metadata_scheme": "fooocus", "version": "Fooocus v2.5"}
          """,
        ]
      ),
      (
        "NovelAI",
        [
          "Software": "NovelAI", "Description": "a fox",
          "Comment": """
          {"uc": "snow", "steps": 9, "scale": 3.5, "seed": 18446744073709551615, "width": 64,
          "height": 72, "sampler": "k_dpmpp_2m_sde", "noise_schedule": "karras", "sm": true}
          """,
        ]
      ),
    ]
    for (program, metadata) in texts {
      let recipe = try #require(try PictureRecipe(metadata))
      #expect(recipe.program == program)
      let request = recipe.request
      #expect(request.prompt == "a fox" && request.negativePrompt == "snow", "\(program)")
      #expect(request.steps == 9 && request.guidance == 3.5 && request.seed == .max, "\(program)")
      #expect((request.width, request.height) == (64, 72), "\(program)")
      #expect(request.sampler == "dpm++2m_sde" && request.schedule == "karras", "\(program)")
      #expect(recipe.model == (program == "NovelAI" ? nil : "m"))
      #expect(recipe.notes.count == 1 && recipe.notes[0].hasPrefix("of \(program)'s settings"))
    }
  }

  @Test("ComfyUI's workflow is followed from its sampler to texts, latent, LoRAs and model")
  func comfy() throws {
    let recipe = try #require(
      try PictureRecipe([
        "workflow": #"{"nodes": []}"#,
        "prompt": """
        {"3": {"class_type": "KSampler", "inputs": {"seed": ["20", 0], "steps": 9, "cfg": 3.5,
        "sampler_name": "dpmpp_2m_sde_gpu", "scheduler": "karras", "denoise": 1.0, "model": ["11", 0],
        "positive": ["15", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "20": {"class_type": "PrimitiveInt", "inputs": {"value": 18446744073709551615}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd/m.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 72}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["21", 0], "clip": ["12", 0]}},
        "21": {"class_type": "StringLiteral", "inputs": {"string": "a fox"}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "snow", "clip": ["12", 0]}},
        "11": {"class_type": "LoraLoader", "inputs": {"lora_name": "x.safetensors",
        "strength_model": 0.5, "strength_clip": 1, "model": ["4", 0], "clip": ["4", 1]}},
        "12": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2,
        "clip": ["11", 1]}},
        "15": {"class_type": "ControlNetApply", "inputs": {"conditioning": ["6", 0], "strength": 1}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "30": {"class_type": "KSampler", "inputs": {"seed": 1, "latent_image": ["31", 0]}},
        "31": {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}
        """,
      ]))
    let request = recipe.request
    #expect(request.prompt == "a fox" && request.negativePrompt == "snow")
    #expect(request.steps == 9 && request.guidance == 3.5 && request.seed == .max)
    #expect((request.width, request.height) == (64, 72) && request.clipSkip == 1)
    #expect(request.sampler == "dpm++2m_sde" && request.schedule == "karras")
    #expect(recipe.model == "m" && recipe.loras == ["x.safetensors:0.5"])
    #expect(recipe.foreignStrength == nil)
    #expect(
      recipe.notes == [
        "ComfyUI's workflow samples more than once: the first is drawn",
        "of ComfyUI's settings these have no effect here: ControlNetApply, KSampler, LatentUpscale",
      ])
  }

  @Test("so are its samplers in parts")
  func comfyParts() throws {
    let recipe = try #require(
      try PictureRecipe([
        "prompt": """
        {"1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0],
        "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 7}},
        "3": {"class_type": "CFGGuider", "inputs": {"cfg": 4, "model": ["8", 0], "positive": ["9", 0],
        "negative": ["10", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler_ancestral"}},
        "5": {"class_type": "KarrasScheduler", "inputs": {"steps": 12, "rho": 7}},
        "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 64, "height": 64}},
        "8": {"class_type": "UNETLoader", "inputs": {"unet_name": "u.safetensors"}},
        "9": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}},
        "10": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}}}
        """
      ]))
    let request = recipe.request
    #expect(request.prompt == "a fox" && request.negativePrompt.isEmpty && request.seed == 7)
    #expect(request.sampler == "euler_a" && request.schedule == "karras" && request.steps == 12)
    #expect(request.guidance == 4 && recipe.model == "u" && recipe.notes.isEmpty)
  }

  @Test(
    "what cannot be read is refused by the program's name",
    arguments: [
      (["workflow": #"{"nodes": [1]}"#], "ComfyUI"), (["Dream": "a fox -s 50"], "InvokeAI"),
      (["prompt": #"{"1": {"class_type": "SaveImage"}}"#], "ComfyUI"),
      (["parameters": #"{"a": 1}"#], "not known here"),
    ] as [(PictureMetadata, String)])
  func refused(metadata: PictureMetadata, program: String) {
    #expect {
      try PictureRecipe(metadata)
    } throws: { error in
      "\(error)".contains(program) && "\(error)".hasSuffix("give prompt and settings by hand")
    }
  }

  @Test(
    "workflows that lead in circles or nowhere end",
    arguments: [
      #"{"1": {"class_type": "KSampler", "inputs": {"seed": ["1", 0], "model": ["1", 0]}}}"#,
      #"{"1": {"class_type": "KSampler"}, "2": 3, "3": {"class_type": 4}}"#,
      """
      {"1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "latent_image": ["9", 0]}},
      "2": {"class_type": "A", "inputs": {"conditioning": ["3", 0]}},
      "3": {"class_type": "B", "inputs": {"conditioning": ["2", 0], "text": []}}}
      """,
    ])
  func circles(text: String) throws {
    let recipe = try #require(try PictureRecipe(["prompt": text]))
    #expect(recipe.request.prompt.isEmpty && recipe.notes.first?.contains("no prompt") == true)
  }
}
