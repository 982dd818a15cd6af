import LanternPictures
import LanternSamplers

/// Rows of settings that say what is drawn, from what, and how it is shown.
extension ImageSetting {
  package static var prompt: ImageSetting {
    ImageSetting(
      "prompt", \.prompt, .prompt, key: "prompt", writing: .always, reading: .prompt,
      option: SettingOption(
        "prompt", short: "p", .value("text"),
        "The prompt, instead of as an argument; @FILE reads it from a file.", default: "none",
        text: .orInFile))
  }

  package static var negativePrompt: ImageSetting {
    ImageSetting(
      "negativePrompt", \.negativePrompt, .prompt, key: "negative",
      option: SettingOption(
        "negative", short: "n", .value("text"),
        "What should not be drawn; @FILE reads it from a file.", default: "none", text: .orInFile))
  }

  package static var prompt2: ImageSetting {
    ImageSetting(
      "prompt2", \.prompt2, .prompt, title: "prompt 2", key: "prompt_2",
      option: SettingOption(
        "prompt-2", .value("text"),
        "The prompt of the second text encoder, of models like SDXL; @FILE reads it from a file.",
        default: "the prompt", text: .orInFile))
  }

  package static var negativePrompt2: ImageSetting {
    ImageSetting(
      "negativePrompt2", \.negativePrompt2, .prompt, title: "negative prompt 2",
      key: "negative_2",
      option: SettingOption(
        "negative-2", .value("text"),
        "The negative prompt of the second text encoder; @FILE reads it from a file.",
        default: "the negative prompt", text: .orInFile))
  }

  package static var originalSize: ImageSetting {
    size(
      "originalSize", \.originalSize, key: "original_size", option: "original-size",
      "Draw as pictures of this size before cropping look, of models like SDXL.")
  }

  package static var targetSize: ImageSetting {
    size(
      "targetSize", \.targetSize, key: "target_size", option: "target-size",
      "Draw as pictures of this size after cropping look, of models like SDXL.")
  }

  private static func size(
    _ name: String, _ path: any WritableKeyPath<ImageRequest, ImageRequest.Size?> & Sendable,
    key: String, option: String, _ help: String
  ) -> ImageSetting {
    let title = option.replacing("-", with: " ")
    @Sendable func size(_ text: String) throws(RequestError) -> ImageRequest.Size {
      guard let size = ImageRequest.Size(text) else {
        throw .range(
          name: title, found: "\"\(text)\"", allowed: "width and height in pixels, as 1024x768")
      }
      return size
    }
    return ImageSetting(
      name, path, .prompt, title: title, key: key, range: "sides of 1 to 65536",
      option: SettingOption(option, .value("size"), help, default: "the picture's").taking(
        String.self, check: { _ = try size($0) }, assign: { $1[keyPath: path] = try size($0) }))
  }

  package static var cropCorner: ImageSetting {
    @Sendable func corner(_ text: String) throws(RequestError) -> ImageRequest.Corner {
      guard let corner = ImageRequest.Corner(text) else {
        throw .range(
          name: "crop", found: "\"\(text)\"",
          allowed: "pixels cut off on the left and above, as 0,128")
      }
      return corner
    }
    return ImageSetting(
      "cropCorner", \.cropCorner, .prompt, title: "crop", key: "crop", range: "0 to 65536 each",
      option: SettingOption(
        "crop", .value("left,top"),
        "Draw as pictures cropped there look, of models like SDXL; 0,0 shows things whole.",
        default: "0,0"
      ).taking(
        String.self, check: { _ = try corner($0) },
        assign: { $1.cropCorner = try corner($0) }))
  }

  package static var literalPrompt: ImageSetting {
    ImageSetting(
      "literalPrompt", \.literalPrompt, .prompt, key: "literal",
      option: SettingOption(
        "literal", .flag,
        "Take the prompt to the letter, cut at the model's length, as diffusers does."))
  }

  package static var promptCache: ImageSetting {
    ImageSetting(
      "promptCache", \.promptCache, .prompt,
      option: SettingOption(
        "cache-prompts", .value("folder"),
        "Keep in this folder what large text encoders make of prompts (T5, Qwen 3, Gemma), and take from there what "
          + "it has: the same picture, sooner.", default: "none", takesDashes: false))
  }

  package static var embeddings: ImageSetting {
    ImageSetting(
      "embeddings", \.embeddings, .prompt, key: "embeddings",
      check: { request, model in _ = try model.conditioner.words(of: request) },
      option: SettingOption(
        "embedding", .values("file[:word]"),
        "An embedding (textual inversion) whose word may stand in prompts: the file's name, the word in it, "
          + "or the one after a colon; may be given several times.", default: "none"
      ).taking(
        [String].self,
        assign: { given, request in
          request.embeddings = try given.map { text in
            var embedding = TextualInversion(argument: text)
            if !request.namesServerFiles {
              embedding.path = try HubCache.standard.located(embedding.path)
            }
            return embedding
          }
        }))
  }

  package static var initialPicture: ImageSetting {
    initialPicture(\.initialPicture, key: "from_picture", "A picture to begin from.")
  }

  package static var strength: ImageSetting {
    ImageSetting(
      "strength", \.strength, .picture, key: "strength",
      writing: .when { $0.initialPicture != nil },
      range: "a number above 0, up to 1", isAllowed: { $0 > 0 && $0 <= 1 },
      webUI: WebUISetting("Denoising strength") { request, recipe in
        recipe?.needsInitialPicture == true ? "\(request.strength)" : nil
      },
      option: SettingOption(
        "strength", .value("share"), "How much of it is drawn anew, above 0 up to 1.",
        default: "0.75",
        companion: .init(
          name: "initialPicture", message: "--strength needs a picture to begin from: --init FILE"))
    )
  }

  package static var mask: ImageSetting {
    mask(
      \.mask, key: "masked",
      check: { request, model in
        if model.isEditingModel {
          if request.initialPicture == nil {
            throw RequestError.needs(
              name: "this model, which edits pictures,", other: "a picture to begin from")
          }
          if request.mask != nil {
            throw RequestError.needs(
              name: "a mask", other: "another model: this one edits pictures as a whole")
          }
        }
        guard request.mask != nil else {
          guard model.isInpaintingModel else { return }
          throw RequestError.needs(
            name: "this model, which fills holes,", other: "a picture to begin from and a mask")
        }
        let row = try request.sampler.map { try SamplerCatalogue.row(named: $0) }
        if try row?.make(model.schedule, eta: request.eta).choosesLevels == true {
          throw RequestError.needs(name: "a mask", other: "a sampler with a fixed number of steps")
        }
        if request.initialPicture == nil {
          throw RequestError.needs(name: "a mask", other: "a picture to begin from")
        }
      })
  }

  package static var pastesKept: ImageSetting {
    ImageSetting(
      "pastesKept", \.pastesKept, .picture, key: "pasted", writing: .when { $0.mask != nil },
      read: { recipe, request in
        // Older versions pasted nothing, and said nothing of it.
        request.pastesKept = recipe["pasted"]?.bool ?? !(recipe["masked"]?.bool ?? false)
        return true
      },
      option: SettingOption(
        "paste", .invertibleFlag,
        "Put back what the mask keeps, byte for byte, with a soft seam. With --no-paste all of it goes "
          + "through the autoencoder and changes a little, as in diffusers.",
        default: "--paste",
        companion: .init(
          name: "mask", message: "--paste and --no-paste need a mask: --mask FILE")))
  }

  package static var clipSkip: ImageSetting {
    ImageSetting(
      "clipSkip", \.clipSkip, .prompt, key: "clip_skip",
      range: "0 to the encoder's layers less one",
      check: { request, model in
        let layers = model.conditioner.layerCount
        guard (0..<layers).contains(request.clipSkip) else {
          throw RequestError.range(
            name: "clip skip", found: "\(request.clipSkip)", allowed: "0 to \(layers - 1)")
        }
      },
      webUI: WebUISetting("Clip skip", "Clip Skip", "CLIP skip", reading: .clipSkipFromOne) {
        // There 1 means that no layer is left out; an untrusted file may say any number.
        request, _ in request.clipSkip > 0 ? "\(UInt(request.clipSkip) + 1)" : nil
      },
      reading: .clipSkip,
      option: SettingOption(
        "clip-skip", .value("count"),
        "Last layers of the text encoder to leave out, counted as diffusers does.", default: "0"))
  }

  package static var tiledDecoding: ImageSetting {
    ImageSetting(
      "tiledDecoding", \.tiledDecoding, .decoding, key: "vae_tiling",
      option: SettingOption(
        "vae-tiling", .flag, "Decode and encode large pictures in tiles, to save memory."))
  }

  /// Default number of steps between previews.
  package static var previewSteps: Int { 5 }

  package static var previewInterval: ImageSetting {
    previewInterval(
      \.previewInterval,
      option: SettingOption(
        "preview-interval", .value("steps"), "Refresh the preview after so many steps.",
        default: "\(previewSteps)"
      ).taking(
        Int.self,
        check: { interval in
          // None is what there is without a file for it.
          if interval < 1 {
            throw RequestError.range(
              name: "preview interval", found: "\(interval)", allowed: "1 or more")
          }
        }))
  }

  package static var previewMethod: ImageSetting {
    @Sendable func method(_ name: String) throws(RequestError) -> PreviewMethod {
      guard let method = PreviewMethod(rawValue: name) else {
        throw .range(name: "preview method", found: "\"\(name)\"", allowed: PreviewMethod.names)
      }
      return method
    }
    return ImageSetting(
      "previewMethod", \.previewMethod, .decoding, title: "preview method",
      range: PreviewMethod.names,
      check: { request, model in
        if request.previewMethod == .linear, model.latentColours == nil {
          throw RequestError.needs(
            name: "preview method latent2rgb", other: "a model of Stable Diffusion's latents")
        }
      },
      option: SettingOption(
        "preview-method", .value("name"),
        "How previews are made: latent2rgb (a linear map of the latent, in next to no time), decoder (as the "
          + "picture is), or auto: a tiny decoder, or latent2rgb where that is known.",
        default: PreviewMethod.automatic.rawValue, takesDashes: false
      ).taking(
        String.self, check: { _ = try method($0) },
        assign: { $1.previewMethod = try method($0) }))
  }
}
