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
  }

  /// The file's name alone: its folder is private.
  package var json: JSONValue {
    var values: [String: JSONValue] = [
      "size": .string(sizeText), "denoise": .number(denoise),
      "upscaler": .string(network.map { FileSystem.split($0).name } ?? upscaler),
    ]
    values["steps"] = steps.map(JSONValue.integer)
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
        ]
      ) { request, _ in request.hires.map(fields) ?? [] },
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

  private static func fields(_ hires: Hires) -> [WebUIText.Field] {
    var fields = [WebUIText.Field("Denoising strength", Hires.short(hires.denoise))]
    switch hires.size {
    case .factor(let factor): fields.append(.init("Hires upscale", Hires.short(factor)))
    case .pixels: fields.append(.init("Hires resize", hires.sizeText))
    }
    if let steps = hires.steps { fields.append(.init("Hires steps", "\(steps)")) }
    return fields + [.init("Hires upscaler", hires.webUIUpscaler)]
  }

  private static func check(_ hires: Hires, of request: ImageRequest, _ model: ImageModel) throws {
    guard request.initialPicture == nil else {
      throw RequestError.needs(
        name: "hires", other: "a picture that is drawn from words alone, not one to begin from")
    }
    let sampler = try request.sampler.map { try SamplerCatalogue.row(named: $0) }?
      .make(model.schedule, eta: request.eta)
    if sampler?.choosesLevels == true {
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
    let maximum = sampler?.maximumSteps(over: model.schedule) ?? model.schedule.trainingSteps
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
      message: "--hires-denoise, --hires-steps and --hires-upscaler go with --hires 2x: add that",
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
