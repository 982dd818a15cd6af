import LanternLayers
import LanternPictures
import LanternSamplers

/// Rows of settings that say how noise becomes a picture.
extension ImageSetting {
  package static var steps: ImageSetting {
    ImageSetting(
      "steps", \.steps, .stepping, key: "steps", writing: .always,
      range: "1 to the model's training steps",
      webUI: WebUISetting("Steps") { request, _ in "\(request.steps ?? 0)" },
      option: SettingOption(
        "steps", .value("count"), "Denoising steps; more is finer and slower.",
        default: "the model's own"))
  }

  package static var sampler: ImageSetting {
    ImageSetting(
      "sampler", \.sampler, .stepping, key: "sampler", writing: .always,
      range: "names of lantern samplers",
      webUI: WebUISetting("Sampler") { request, _ in
        let name = SamplerCatalogue.webUIName(of: request.sampler ?? "")
        return request.usesCFGPlusPlus ? "\(name) CFG++" : name
      },
      option: SettingOption(
        "sampler", .value("name"), "One of lantern samplers.", default: "the model's own",
        takesDashes: false))
  }

  package static var schedule: ImageSetting {
    ImageSetting(
      "schedule", \.schedule, .stepping, key: "schedule",
      range: Spacing.allCases.map(\.rawValue).joined(separator: ", "),
      webUI: WebUISetting(
        "Schedule type", "Scheduler", "Schedule", others: ["Schedule rho": .rho]
      ) { request, _ in
        guard let curve = request.schedule.flatMap({ Spacing(rawValue: $0) }),
          let name = SamplerCatalogue.webUIName(of: curve)
        else { return [] }
        let type = WebUIText.Field("Schedule type", name)
        // Lantern's ρ is 2 where webui's is 1.
        return curve == .polyexponential ? [type, WebUIText.Field("Schedule rho", "2")] : [type]
      },
      reading: .schedule,
      option: SettingOption(
        "schedule", .value("name"), "Spacing of noise levels, like karras or trailing.",
        default: "the model's own", takesDashes: false))
  }

  package static var usesCFGPlusPlus: ImageSetting {
    ImageSetting(
      "usesCFGPlusPlus", \.usesCFGPlusPlus, .guidance, title: "CFG++", key: "cfg_plus_plus",
      check: { request, _ in
        if request.usesCFGPlusPlus, request.sampler != "ddim" {
          throw RequestError.needs(name: "CFG++", other: "the sampler ddim")
        }
      },
      option: SettingOption(
        "cfg++", .invertibleFlag,
        "Guide as CFG++, with --sampler ddim and --guidance from 0 to 1, which is 0.6 then.",
        default: "--no-cfg++"
      ).taking(
        Bool.self,
        makeRoom: { isPlusPlus, request in
          // Its guidance is of another kind: what an older picture had means nothing there.
          if isPlusPlus != request.usesCFGPlusPlus { request.guidance = nil }
        }))
  }

  /// By how much webui divides the guidance of CFG++.
  static var webUIGuidancePerCFGPlusPlus: Double { 12.5 }

  /// What guidance may be, but for CFG++'s.
  package static var guidanceScales: ClosedRange<Float> { 0...1000 }

  package static var guidance: ImageSetting {
    ImageSetting(
      "guidance", \.guidance, .guidance, key: "guidance", writing: .always,
      range: "0 to 1000; with CFG++ 0 to 1",
      check: { request, _ in
        let isPlusPlus = request.usesCFGPlusPlus
        guard let scale = request.guidance,
          !(isPlusPlus ? 0...1 : guidanceScales).contains(scale)
        else {
          return
        }
        throw RequestError.range(
          name: isPlusPlus ? "guidance of CFG++" : "guidance", found: "\(scale)",
          allowed: isPlusPlus ? "0 to 1" : "0 to 1000")
      },
      webUI: WebUISetting("CFG scale", "CFG Scale") { request, _ in
        let factor = request.usesCFGPlusPlus ? Float(webUIGuidancePerCFGPlusPlus) : 1
        return "\((request.guidance ?? 0) * factor)"
      },
      option: SettingOption(
        "guidance", short: "g", .value("scale"),
        "How closely to follow the prompt; 1 is no guidance.",
        default: "the model's own"))
  }

  package static var imageGuidance: ImageSetting {
    ImageSetting(
      "imageGuidance", \.imageGuidance, .guidance, title: "image guidance", key: "image_guidance",
      range: "1 to 1000", isAllowed: { (1...1000).contains($0) },
      webUI: WebUISetting("Image CFG scale") { request, _ in
        request.imageGuidance.map { "\($0)" }
      },
      option: SettingOption(
        "image-guidance", .value("scale"),
        "How closely models that edit a picture (InstructPix2Pix) keep to it, 1 or more.",
        default: "1.5"))
  }

  package static var seed: ImageSetting { seed(\.seed, key: "seed") }

  package static var width: ImageSetting {
    size(
      "width", \.width, "W", "Width in pixels.",
      webUI: WebUISetting("Size", reading: .size) { request, _ in
        "\(request.width ?? 0)x\(request.height ?? 0)"
      })
  }

  package static var height: ImageSetting {
    size(
      "height", \.height, "H", "Height in pixels.",
      // Written with the width.
      webUI: WebUISetting("Size", reading: .size) { _, _ in nil })
  }

  /// The longest side of a picture in pixels.
  static var mostPixels: Int { 4096 }

  private static func size(
    _ name: String, _ path: any WritableKeyPath<ImageRequest, Int?> & Sendable, _ short: Character,
    _ help: String, webUI: WebUISetting<ImageRequest>?
  ) -> ImageSetting {
    ImageSetting(
      name, path, .size, key: name, writing: .always, range: "multiples of 8 up to \(mostPixels)",
      check: { request, model in
        let unit = try model.sizeUnit(of: request)
        guard let size = request[keyPath: path],
          size < unit || size > mostPixels || size % unit != 0
        else { return }
        throw RequestError.size(name: name, found: size, unit: unit, maximum: mostPixels)
      },
      webUI: webUI,
      option: SettingOption(name, short: short, .value("pixels"), help, default: "the model's own"))
  }

  package static var eta: ImageSetting {
    ImageSetting(
      "eta", \.eta, .stepping, key: "eta", range: "0 to 1",
      webUI: WebUISetting("Eta", "Eta DDIM") { request, _ in request.eta.map { "\($0)" } },
      option: SettingOption(
        "eta", .value("share"),
        "Share of fresh noise in each step, 0 to 1, for samplers that draw some.",
        default: "the sampler's own"
      ).taking(
        Float.self,
        check: { eta in
          if !(0...1).contains(eta) {
            throw RequestError.range(
              name: "eta", found: "\(eta)", allowed: "0 (no fresh noise) to 1")
          }
        }))
  }

  package static var guidanceRescale: ImageSetting {
    ImageSetting(
      "guidanceRescale", \.guidanceRescale, .guidance, key: "guidance_rescale",
      range: "0 to 1", isAllowed: { (0...1).contains($0) },
      webUI: WebUISetting("CFG rescale", "CFG Rescale") { request, _ in
        request.guidanceRescale > 0 ? "\(request.guidanceRescale)" : nil
      },
      option: SettingOption(
        "guidance-rescale", .value("share"),
        "Share of the contrast that guidance adds to take back, 0 to 1; 0.7 for strong guidance.",
        default: "0"))
  }

  package static var guidanceInterval: ImageSetting {
    ImageSetting(
      "guidanceInterval", \.guidanceInterval, .guidance, key: "guidance_interval",
      range: "two sigmas, the smaller first",
      option: SettingOption(
        "guidance-interval", .value("low-high"),
        "Guide only while sigma is between these, like 0.3-6; see lantern schedule.",
        default: "always"
      ).taking(
        String.self, check: { _ = try interval($0) },
        assign: { $1.guidanceInterval = try interval($0) }))
  }

  /// The sigmas of a text like "0.3-6".
  private static func interval(_ text: String) throws(RequestError) -> ClosedRange<Double> {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Double($0) }
    guard ends.count == 2, let low = ends[0], let high = ends[1], low >= 0, low <= high,
      high.isFinite
    else {
      throw .range(
        name: guidanceInterval.title, found: "\"\(text)\"",
        allowed: "two sigmas, the smaller first, like 0.3-6")
    }
    return low...high
  }

  package static var dynamicThresholding: ImageSetting {
    ImageSetting(
      "dynamicThresholding", \.dynamicThresholding, .guidance, key: "dynamic_thresholding",
      range: "0 to 1000",
      check: { request, _ in
        guard let limits = request.dynamicThresholding else { return }
        guard request.projectedGuidance == nil, request.guidanceRescale == 0 else {
          throw RequestError.needs(
            name: "dynamic thresholding", other: "guidance that is not projected or rescaled")
        }
        guard (0...1000).contains(limits.mimicScale), (0...1).contains(limits.percentile) else {
          throw RequestError.range(
            name: "dynamic thresholding",
            found: "\(limits.mimicScale) with percentile \(limits.percentile)",
            allowed: "a guidance of 0 to 1000 and a percentile of 0 to 1")
        }
      },
      option: SettingOption(
        "dynamic-thresholding", .value("scale"),
        "Keep strong guidance within the range of this weaker one.", default: "none"
      ).taking(
        Float.self,
        // Projected guidance that an older picture had gives way.
        makeRoom: { $1.projectedGuidance = nil },
        assign: { $1.dynamicThresholding = DynamicThresholding(mimicScale: $0) }))
  }

  package static var thresholdPercentile: ImageSetting {
    ImageSetting(
      "thresholdPercentile", of: "dynamicThresholding", .guidance, title: "threshold percentile",
      range: "0 to 1",
      option: SettingOption(
        "threshold-percentile", .value("share"),
        "With --dynamic-thresholding, share of values that is not clipped, 0 to 1.", default: "1",
        companion: .init(
          name: "dynamicThresholding",
          message: "--threshold-percentile goes with --dynamic-thresholding: give that too",
          isInRequest: { $0.dynamicThresholding != nil })),
      assign: { (percentile: Float, request) in
        request.dynamicThresholding?.percentile = percentile
      })
  }

  package static var projectedGuidance: ImageSetting {
    ImageSetting(
      "projectedGuidance", \.projectedGuidance, .guidance, key: "apg",
      option: SettingOption(
        "apg", .flag,
        "Adaptive projected guidance: strong guidance without oversaturation."
      ).taking(
        Bool.self,
        // A threshold that an older picture had gives way.
        makeRoom: { $1.dynamicThresholding = nil },
        assign: { $1.projectedGuidance = AdaptiveProjectedGuidance() }))
  }

  private static var apgCompanion: SettingOption<ImageRequest>.Companion {
    .init(
      name: "projectedGuidance",
      message: "--apg-momentum and --apg-threshold go with --apg: add that")
  }

  package static var apgMomentum: ImageSetting {
    ImageSetting(
      "apgMomentum", of: "projectedGuidance", .guidance, title: "APG momentum",
      range: "a number between -1 and 1", isAllowed: { abs($0) < 1 },
      option: SettingOption(
        "apg-momentum", .value("share"),
        "With --apg, share of earlier steps' guidance to add; -0.5 in the paper.", default: "0",
        companion: apgCompanion),
      assign: { (momentum: Float, request) in request.projectedGuidance?.momentum = momentum })
  }

  package static var apgThreshold: ImageSetting {
    ImageSetting(
      "apgThreshold", of: "projectedGuidance", .guidance, title: "APG threshold",
      range: "0 or more",
      isAllowed: { $0 >= 0 },
      option: SettingOption(
        "apg-threshold", .value("length"),
        "With --apg, the maximum norm of guidance; 0 for no limit.",
        default: "15", companion: apgCompanion),
      assign: { (threshold: Float, request) in request.projectedGuidance?.threshold = threshold })
  }

  package static var refinerStart: ImageSetting {
    ImageSetting(
      "refinerStart", \.refinerStart, .stepping, title: "refiner start", key: "refiner_start",
      range: "0 to 1", isAllowed: { (0...1).contains($0) },
      webUI: WebUISetting("Refiner switch at") { request, recipe in
        let start = request.refinerStart ?? (recipe?.refiner == nil ? nil : 0.8)
        return start.map { "\($0)" }
      },
      option: SettingOption(
        "refiner-start", .value("share"),
        "With --refiner, share of the noise that is gone when it takes over.", default: "0.8"))
  }

  package static var cache: ImageSetting {
    ImageSetting(
      "cache", \.cache, .stepping, key: "cache", range: StepCache.allowed,
      option: SettingOption(
        "cache", .value("name"),
        "Reuse features between steps, for speed: deepcache or taylor, with :2 for every second step.",
        default: "none", takesDashes: false
      ).taking(
        String.self, check: { _ = try cache($0) }, assign: { $1.cache = try cache($0) }))
  }

  /// The cache of a text.
  ///
  /// - Throws: ``RequestError/range(name:found:allowed:)`` for a text that names none.
  package static func cache(_ text: String) throws(RequestError) -> StepCache {
    guard let found = StepCache(text) else {
      throw .range(name: cache.title, found: "\"\(text)\"", allowed: StepCache.allowed)
    }
    return found
  }

  package static var convention: ImageSetting {
    ImageSetting(
      "convention", \.convention, .noise, key: "compat",
      range: Convention.allCases.map(\.rawValue).joined(separator: ", "),
      option: SettingOption(
        "compat", .value("program"),
        "The program whose noise levels to follow where programs disagree: diffusers or kdiffusion.",
        default: "diffusers", takesDashes: false
      ).taking(
        String.self, assign: { $1.convention = try SamplerCatalogue.convention(named: $0) }))
  }
}
