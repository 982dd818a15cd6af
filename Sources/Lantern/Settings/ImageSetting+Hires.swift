import LanternFormats
import LanternPictures
import LanternPlatform
import LanternSamplers

/// A second pass is an object in recipes.
extension Hires: SettingValue {
  package typealias Given = Hires
  package static var typeName: String { "object" }

  package init?(json: JSONValue) {
    guard let values = json.object, let size = Self.size(values["size"]?.string ?? "") else {
      return nil
    }
    self.init(size)
    denoise = values["denoise"]?.double ?? denoise
    steps = values["steps"]?.integer
    upscaler = values["upscaler"]?.string ?? upscaler
    (prompt, negativePrompt) = (values["prompt"]?.string, values["negative"]?.string)
    (sampler, schedule) = (values["sampler"]?.string, values["schedule"]?.string)
    guidance = values["guidance"]?.double.map { Float($0) }
  }

  /// The file's name alone: its folder is private.
  package var json: JSONValue {
    var values: [String: JSONValue] = [
      "size": .string(sizeText), "denoise": .number(denoise),
      "upscaler": .string(network.map { FileSystem.split($0).name } ?? upscaler),
    ]
    values["steps"] = steps.map(JSONValue.integer)
    for (key, text) in [
      ("prompt", prompt), ("negative", negativePrompt), ("sampler", sampler),
      ("schedule", schedule),
    ] { values[key] = text.map(JSONValue.string) }
    values["guidance"] = guidance?.json
    return .object(values)
  }
}

/// Rows of settings of a second pass.
extension ImageSetting {
  package static var hires: ImageSetting {
    ImageSetting(
      "hires", \.hires, .size, key: "hires",
      range: "1x to 8x, or a size of at least the first pass's",
      check: { request, model in
        if let hires = request.hires { try check(hires, of: request, model) }
      },
      webUI: WebUISetting(
        "Hires upscale",
        others: [
          "Hires resize": .hires("size") { Hires.size($0) == nil ? nil : .string($0.lowercased()) },
          "Hires steps": .hires("steps") { Int.integer(ofForeign: $0).map(JSONValue.integer) },
          "Hires upscaler": .hires("upscaler") { .string(Hires.upscaler(named: $0)) },
          "Hires prompt": .hires("prompt") { .string($0) },
          "Hires negative prompt": .hires("negative") { .string($0) },
          "Hires sampler": .hires("sampler") { .string($0) },
          "Hires schedule type": .hires("schedule") { .string($0) },
          "Hires CFG Scale": .hires("guidance") { Double.json(ofForeign: $0) },
          "Hires CFG scale": .hires("guidance") { Double.json(ofForeign: $0) },
        ]
      ) { request, _ in request.hires.map { fields($0, of: request) } ?? [] },
      reading: .hires("size") { text in
        Hires.size("\(text)x").map { _ in .string("\(text)x") }
      },
      option: SettingOption(
        "hires", .value("factor or size"),
        "Enlarge what was drawn, 2x or 1024x768, and draw it again in part: stable-diffusion-webui's "
          + "Hires. fix.", default: "none", takesDashes: false
      ).taking(
        String.self, check: { _ = try size($0) },
        assign: { text, request in
          let size = try size(text)
          // A picture that is drawn again has the rest.
          var hires = request.hires ?? Hires(size)
          hires.size = size
          request.hires = hires
        }))
  }

  private static func size(_ text: String) throws(RequestError) -> Hires.Size {
    guard let size = Hires.size(text) else {
      throw .range(
        name: "hires", found: "\"\(text)\"", allowed: "1x to 8x, or a size like 1024x768")
    }
    return size
  }

  private static func fields(_ hires: Hires, of request: ImageRequest) -> [WebUIText.Field] {
    var fields = [WebUIText.Field("Denoising strength", Hires.short(hires.denoise))]
    switch hires.size {
    case .factor(let factor): fields.append(.init("Hires upscale", Hires.short(factor)))
    case .pixels: fields.append(.init("Hires resize", hires.sizeText))
    }
    if let steps = hires.steps { fields.append(.init("Hires steps", "\(steps)")) }
    let curve = hires.schedule.flatMap { Spacing(rawValue: $0) }
    let factor =
      request.usesCFGPlusPlus && hires.sampler == nil ? Float(webUIGuidancePerCFGPlusPlus) : 1
    let own = [
      ("Hires sampler", hires.sampler.map(SamplerCatalogue.webUIName)),
      ("Hires schedule type", curve.flatMap(SamplerCatalogue.webUIName)),
      ("Hires CFG Scale", hires.guidance.map { "\($0 * factor)" }),
      ("Hires prompt", hires.prompt), ("Hires negative prompt", hires.negativePrompt),
    ]
    return fields + [.init("Hires upscaler", hires.webUIUpscaler)]
      + own.compactMap { name, value in value.map { WebUIText.Field(name, $0) } }
  }

  private static func check(_ hires: Hires, of request: ImageRequest, _ model: ImageModel) throws {
    guard request.initialPicture == nil else {
      throw RequestError.needs(
        name: "hires", other: "a picture that is drawn from words alone, not one to begin from")
    }
    let samplers = try [request.sampler, hires.sampler ?? request.sampler].compactMap { name in
      try name.map { try SamplerCatalogue.meaning(of: $0).row.make(model.schedule, eta: nil) }
    }
    if samplers.contains(where: \.choosesLevels) {
      throw RequestError.needs(name: "hires", other: "a sampler with a fixed number of steps")
    }
    let (width, height) = (request.width ?? 0, request.height ?? 0)
    let unit = try model.sizeUnit(of: request)
    let kept = hires.sizes(width: width, height: height, unit: unit).kept
    for (name, found, first) in [("width", kept.width, width), ("height", kept.height, height)] {
      let found = found * unit
      guard found >= first else {
        throw RequestError.range(
          name: "hires", found: hires.sizeText,
          allowed: "at least the \(width)x\(height) of the first pass")
      }
      guard found <= mostPixels else {
        throw RequestError.size(
          name: "hires \(name)", found: found, unit: unit, maximum: mostPixels)
      }
    }
    let first = request.steps ?? 1
    let maximum = samplers.last?.maximumSteps(over: model.schedule) ?? model.schedule.trainingSteps
    guard hires.denoise > 0, hires.denoise <= 1, hires.steps(after: first) >= 1,
      hires.scheduleSteps(after: first) <= maximum
    else {
      throw RequestError.range(
        name: "hires", found: "\(hires.steps(after: first)) steps of denoising \(hires.denoise)",
        allowed: "1 step or more, a denoising above 0 up to 1, and no more than \(maximum) steps "
          + "divided by it")
    }
    if let path = hires.network, !FileSystem.exists(path) {
      throw RequestError.range(
        name: "hires upscaler", found: "\"\(path)\"",
        allowed: "the file of a network, \(Hires.names.joined(separator: ", "))")
    }
  }

  private static var companion: SettingOption<ImageRequest>.Companion {
    .init(
      name: "hires",
      message: "--hires-denoise, --hires-steps and the like go with --hires 2x: add that",
      isInRequest: { $0.hires != nil })
  }

  package static var hiresDenoise: ImageSetting {
    ImageSetting(
      "hiresDenoise", of: "hires", .size, title: "hires denoise", range: "above 0 up to 1",
      isAllowed: { $0 > 0 && $0 <= 1 },
      option: SettingOption(
        "hires-denoise", .value("share"),
        "With --hires, how much of the enlarged picture is drawn anew.", default: "0.7",
        companion: companion),
      assign: { (denoise: Double, request) in request.hires?.denoise = denoise })
  }

  package static var hiresSteps: ImageSetting {
    ImageSetting(
      "hiresSteps", of: "hires", .size, title: "hires steps", range: "1 or more",
      isAllowed: { $0 >= 1 },
      option: SettingOption(
        "hires-steps", .value("count"), "With --hires, steps of the second pass.",
        default: "those of the first", companion: companion),
      assign: { (steps: Int, request) in request.hires?.steps = steps })
  }

  package static var hiresUpscaler: ImageSetting {
    ImageSetting(
      "hiresUpscaler", of: "hires", .size, title: "hires upscaler",
      range: "\(Hires.names.joined(separator: ", ")), or a file",
      option: SettingOption(
        "hires-upscaler", .value("name or file"),
        "With --hires, what enlarges: \(Hires.names.joined(separator: ", ")), or the file of a network as "
          + "lantern upscale takes it.", default: "latent", takesDashes: false, companion: companion
      ),
      assign: { (name: String, request) in
        request.hires?.upscaler =
          FileSystem.exists(name) ? name : Hires.upscaler(named: name)
      })
  }

  package static var hiresPrompt: ImageSetting {
    own(
      "hiresPrompt", "hires-prompt", .value("text"), "the prompt of the second pass",
      text: .orInFile
    ) { (prompt: String, hires) in hires.prompt = prompt }
  }

  package static var hiresNegativePrompt: ImageSetting {
    own(
      "hiresNegativePrompt", "hires-negative", .value("text"), "its negative prompt",
      text: .orInFile
    ) { (prompt: String, hires) in hires.negativePrompt = prompt }
  }

  package static var hiresSampler: ImageSetting {
    own(
      "hiresSampler", "hires-sampler", .value("name"), "its sampler", takesDashes: false
    ) { (name: String, hires) in hires.sampler = name }
  }

  package static var hiresSchedule: ImageSetting {
    own(
      "hiresSchedule", "hires-schedule", .value("name"), "how its noise levels are spaced",
      takesDashes: false
    ) { (name: String, hires) in hires.schedule = name }
  }

  package static var hiresGuidance: ImageSetting {
    own(
      "hiresGuidance", "hires-guidance", .value("scale"), "its strength of guidance",
      range: "0 to 1000", isAllowed: guidanceScales.contains
    ) { (scale: Float, hires) in hires.guidance = scale }
  }

  /// What a second pass may have of its own, and otherwise has from the first.
  private static func own<Value: SettingValue>(
    _ name: String, _ option: String, _ kind: OptionKind, _ help: String,
    text: OptionText = .plain, takesDashes: Bool = true, range: String? = nil,
    isAllowed: (@Sendable (Value) -> Bool)? = nil,
    assign: @escaping @Sendable (Value, inout Hires) -> Void
  ) -> ImageSetting {
    ImageSetting(
      name, of: "hires", .size, title: option.replacing("-", with: " "), range: range,
      isAllowed: isAllowed,
      option: SettingOption(
        option, kind,
        "With --hires, \(help)" + (text == .orInFile ? "; @FILE reads it from a file." : "."),
        default: "the first pass's", takesDashes: takesDashes, text: text, companion: companion),
      assign: { (value: Value, request) in
        guard var hires = request.hires else { return }
        assign(value, &hires)
        request.hires = hires
      })
  }
}

extension ForeignRecipe {
  /// Names of a second pass's sampler and schedule become Lantern's; what is as in the first pass is left out.
  mutating func settleHires() {
    guard var hires = values["hires"]?.object else { return }
    for key in ["sampler", "schedule"] {
      guard let name = hires[key]?.string?.lowercased() else { continue }
      if name.hasPrefix("use same") || ["", "none", "automatic"].contains(name) {
        hires[key] = nil
      }
    }
    if let name = hires["sampler"]?.string {
      if let meaning = try? SamplerCatalogue.meaning(of: name) {
        hires["sampler"] = .string(meaning.usesCFGPlusPlus ? name : meaning.row.name)
        hires["schedule"] = hires["schedule"] ?? meaning.spacing.map { .string($0.rawValue) }
        meaning.notes.forEach { note($0) }
      }
    } else if values["cfg_plus_plus"]?.bool == true, let guidance = hires["guidance"]?.double {
      hires["guidance"] = .number(guidance / ImageSetting.webUIGuidancePerCFGPlusPlus)
    }
    if let name = hires["schedule"]?.string {
      let meaning = try? SamplerCatalogue.spacingMeaning(of: name)
      hires["schedule"] = meaning.map { .string($0.spacing.rawValue) }
      meaning?.notes.forEach { note($0) }
      if meaning == nil { pass(over: "Hires schedule type", name) }
    }
    values["hires"] = .object(hires)
  }
}

extension ForeignRecipe.Reading {
  /// A part of a second pass.
  static func hires(
    _ name: String, _ value: @escaping @Sendable (String) -> JSONValue?
  ) -> ForeignRecipe.Reading {
    ForeignRecipe.Reading { text, recipe in
      guard let value = value(text) else { return false }
      var hires = recipe.values["hires"]?.object ?? [:]
      hires[name] = value
      recipe.values["hires"] = .object(hires)
      return true
    }
  }

  /// webui's "Denoising strength" of a picture with a second pass.
  static let hiresDenoise = hires("denoise") { Double.json(ofForeign: $0) }
}
