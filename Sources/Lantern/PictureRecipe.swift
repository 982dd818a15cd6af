import LanternFormats
import LanternPictures
import LanternSamplers
package import LanternTensor

/// How a picture was drawn, as text beside its pixels: in the form that stable-diffusion-webui and
/// many others read, and exactly, so that it can be drawn again.
public struct PictureRecipe: Sendable, Equatable {
  /// Names of the texts in a file.
  private enum Key {
    static let parameters = "parameters"
    static let exact = "lantern"
  }

  /// The settings, by the names of the command line's options.
  private let values: [String: JSONValue]

  /// The recipe of a picture that was drawn.
  ///
  /// - Parameters:
  ///   - request: what was wanted.
  ///   - settings: what was used.
  ///   - generator: what drew it.
  package init(_ request: ImageRequest, _ settings: ImageSettings, _ generator: ImageGenerator) {
    let model = generator.model
    var values: [String: JSONValue] = [
      "prompt": .string(request.prompt), "steps": .integer(settings.steps),
      "guidance": .number(Double(settings.guidance)), "sampler": .string(settings.sampler),
      "seed": .string(String(settings.seed)), "width": .integer(settings.width),
      "height": .integer(settings.height), "model": .string(FileSystem.split(model.path).name),
    ]
    if !request.negativePrompt.isEmpty { values["negative"] = .string(request.negativePrompt) }
    if let schedule = settings.schedule { values["schedule"] = .string(schedule) }
    if settings.guidanceRescale > 0 {
      values["guidance_rescale"] = .number(Double(settings.guidanceRescale))
    }
    if let interval = settings.guidanceInterval {
      values["guidance_interval"] = .array([
        .number(interval.lowerBound), .number(interval.upperBound),
      ])
    }
    if let apg = settings.projectedGuidance {
      values["apg"] = .array(
        [apg.parallel, apg.threshold, apg.momentum].map { .number(Double($0)) })
    }
    if let limits = settings.dynamicThresholding {
      values["dynamic_thresholding"] = .array(
        [limits.mimicScale, limits.percentile].map { .number(Double($0)) })
    }
    if settings.usesCFGPlusPlus { values["cfg_plus_plus"] = .bool(true) }
    if model.precision != .exact { values["precision"] = .string(model.precision.rawValue) }
    if model.isFast { values["fast"] = .bool(true) }
    if !model.loras.isEmpty {
      // The file's name alone: where it lies is nobody else's business.
      values["loras"] = .array(model.loras.map { .string($0.label) })
    }
    if let eta = settings.eta { values["eta"] = .number(Double(eta)) }
    if settings.convention != .diffusers {
      values["compat"] = .string(settings.convention.rawValue)
    }
    if request.clipSkip > 0 { values["clip_skip"] = .integer(request.clipSkip) }
    if request.literalPrompt { values["literal"] = .bool(true) }
    if request.tiledDecoding { values["vae_tiling"] = .bool(true) }
    if request.initialPicture != nil {
      values["strength"] = .number(request.strength)
      values["from_picture"] = .bool(true)
    }
    if request.mask != nil {
      values["masked"] = .bool(true)
      values["pasted"] = .bool(request.pastesKept)
    }
    self.values = values
  }

  /// Whether both say the same: a whole number is one, however it was written.
  public static func == (a: PictureRecipe, b: PictureRecipe) -> Bool {
    parsed(JSON.write(.object(a.values))) == parsed(JSON.write(.object(b.values)))
  }

  /// The recipe in a picture's texts: Lantern's own, or stable-diffusion-webui's; nil when neither
  /// is there.
  package init?(_ metadata: PictureMetadata) {
    if let text = metadata[Key.exact], case .object(let values)? = Self.parsed(text) {
      self.values = values
    } else if let text = metadata[Key.parameters] {
      self.values = Self.parsed(parameters: text)
    } else {
      return nil
    }
  }

  /// Both texts, for a file.
  package var metadata: PictureMetadata {
    PictureMetadata([
      PictureMetadata.Entry(key: Key.parameters, text: parameters),
      PictureMetadata.Entry(key: Key.exact, text: JSON.write(.object(values))),
    ])
  }

  /// The model's name, if the recipe has one.
  package var model: String? { values["model"]?.string }

  /// Whether the model's LoRA for few steps drew it.
  package var isFast: Bool { values["fast"]?.bool ?? false }

  /// What the model computed in.
  package var precision: Precision {
    values["precision"]?.string.flatMap(Precision.init) ?? .exact
  }

  /// What another version of Lantern may have called it.
  package var unknownPrecision: String? {
    values["precision"]?.string.flatMap { Precision(rawValue: $0) == nil ? $0 : nil }
  }

  /// Names of the LoRAs that were added to the model, each with its strength after a colon.
  package var loras: [String] { values["loras"]?.array?.compactMap(\.string) ?? [] }

  /// Whether the picture began from another, which the recipe does not contain.
  package var needsInitialPicture: Bool { values["from_picture"]?.bool ?? false }

  /// Whether only a part of it was drawn, behind a mask, which the recipe does not contain.
  package var needsMask: Bool { values["masked"]?.bool ?? false }

  /// A request that draws the picture again.
  package var request: ImageRequest {
    var request = ImageRequest(prompt: values["prompt"]?.string ?? "")
    request.negativePrompt = values["negative"]?.string ?? ""
    request.width = values["width"]?.integer
    request.height = values["height"]?.integer
    request.steps = values["steps"]?.integer
    request.guidance = values["guidance"]?.double.map { Float($0) }
    request.sampler = values["sampler"]?.string
    request.schedule = values["schedule"]?.string
    request.guidanceRescale = values["guidance_rescale"]?.double.map { Float($0) } ?? 0
    if let ends = values["guidance_interval"]?.array?.compactMap(\.double), ends.count == 2,
      ends[0] <= ends[1]
    {
      request.guidanceInterval = ends[0]...ends[1]
    }
    if let numbers = values["apg"]?.array?.compactMap(\.double), numbers.count == 3 {
      request.projectedGuidance = AdaptiveProjectedGuidance(
        parallel: Float(numbers[0]), threshold: Float(numbers[1]), momentum: Float(numbers[2]))
    }
    if let numbers = values["dynamic_thresholding"]?.array?.compactMap(\.double), numbers.count == 2
    {
      request.dynamicThresholding = DynamicThresholding(
        mimicScale: Float(numbers[0]), percentile: Float(numbers[1]))
    }
    request.usesCFGPlusPlus = values["cfg_plus_plus"]?.bool ?? false
    request.eta = values["eta"]?.double.map { Float($0) }
    request.convention = values["compat"]?.string.flatMap(Convention.init) ?? .diffusers
    request.seed = values["seed"]?.string.flatMap { UInt64($0) } ?? 42
    request.clipSkip = values["clip_skip"]?.integer ?? 0
    request.literalPrompt = values["literal"]?.bool ?? false
    request.tiledDecoding = values["vae_tiling"]?.bool ?? false
    request.strength = values["strength"]?.double ?? 0.75
    // Older versions pasted nothing, and said nothing of it.
    request.pastesKept = values["pasted"]?.bool ?? !needsMask
    return request
  }

  /// stable-diffusion-webui's text: the prompt, the negative prompt, and a line of settings.
  package var parameters: String {
    let request = request
    // As webui has them, in the prompt, without their files' ending.
    let tags = loras.map { label in
      let parts = label.split(separator: ":")
      return " <lora:\(parts[0].replacing(".safetensors", with: "")):\(parts.last ?? "1")>"
    }
    var lines = [request.prompt + tags.joined()]
    if !request.negativePrompt.isEmpty {
      lines.append("Negative prompt: \(request.negativePrompt)")
    }
    var facts = [
      "Steps: \(request.steps ?? 0)", "Sampler: \(Self.spelledForWebUI(request.sampler ?? ""))",
      "CFG scale: \(request.guidance ?? 0)", "Seed: \(request.seed)",
      "Size: \(request.width ?? 0)x\(request.height ?? 0)",
    ]
    if let schedule = request.schedule.flatMap({ Self.webUISchedules[$0] }) {
      facts.insert("Schedule type: \(schedule)", at: 2)
    }
    if let eta = request.eta { facts.append("Eta: \(eta)") }
    if let model { facts.append("Model: \(model)") }
    if needsInitialPicture { facts.append("Denoising strength: \(request.strength)") }
    // There 1 means that no layer is left out; a stranger's file may say any number.
    if request.clipSkip > 0 { facts.append("Clip skip: \(UInt(request.clipSkip) + 1)") }
    facts.append("Version: Lantern")
    lines.append(facts.joined(separator: ", "))
    return lines.joined(separator: "\n")
  }

  private static let webUINames = [
    "ddim": "DDIM", "ddpm": "DDPM", "dpm++2m": "DPM++ 2M", "dpm++2m_sde": "DPM++ 2M SDE",
    "dpm++2s_a": "DPM++ 2S a", "dpm++3m_sde": "DPM++ 3M SDE", "dpm++sde": "DPM++ SDE",
    "dpm2": "DPM2", "dpm2_a": "DPM2 a", "dpm_adaptive": "DPM adaptive", "euler": "Euler",
    "euler_a": "Euler a", "heun": "Heun", "lcm": "LCM", "lms": "LMS", "pndm": "PLMS",
    "unipc": "UniPC",
  ]

  private static let webUISchedules = [
    "karras": "Karras", "exponential": "Exponential", "polyexponential": "Polyexponential",
    "sgm_uniform": "SGM Uniform", "kl_optimal": "KL Optimal", "ays": "Align Your Steps",
    "simple": "Simple", "discrete": "Normal", "beta": "Beta",
  ]

  private static func spelledForWebUI(_ sampler: String) -> String {
    webUINames[sampler] ?? sampler
  }

  private static func parsed(_ text: String) -> JSONValue? {
    try? JSON.parse(text: text, file: Key.exact)
  }

  /// Reads stable-diffusion-webui's text.
  private static func parsed(parameters text: String) -> [String: JSONValue] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    var facts: [Substring] = []
    if let last = lines.last, last.hasPrefix("Steps: ") {
      facts = last.split(separator: ",").map { $0.drop { $0 == " " } }
      lines.removeLast()
    }
    let mark = "Negative prompt: "
    let start = lines.firstIndex { $0.hasPrefix(mark) } ?? lines.endIndex
    let negative = lines[start...].joined(separator: "\n").dropFirst(mark.count)
    let (prompt, loras) = withoutTags(lines[..<start].joined(separator: "\n"))
    var values: [String: JSONValue] = ["prompt": .string(prompt)]
    if !loras.isEmpty { values["loras"] = .array(loras.map(JSONValue.string)) }
    if !negative.isEmpty { values["negative"] = .string(String(negative)) }
    for fact in facts {
      guard let colon = fact.firstIndex(of: ":") else { continue }
      let value = String(fact[fact.index(after: colon)...].drop { $0 == " " })
      switch fact[..<colon] {
      case "Steps": values["steps"] = Int(value).map(JSONValue.integer)
      case "CFG scale": values["guidance"] = Double(value).map(JSONValue.number)
      case "Seed": values["seed"] = .string(value)
      case "Sampler":
        // Older versions write the schedule behind the sampler.
        let plain = value.hasSuffix(" Karras") ? String(value.dropLast(7)) : value
        if plain != value { values["schedule"] = .string("karras") }
        values["sampler"] = .string(plain)
      case "Schedule type":
        let known = webUISchedules.first { $0.value.lowercased() == value.lowercased() }
        if let known { values["schedule"] = .string(known.key) }
      case "Eta": values["eta"] = Double(value).map(JSONValue.number)
      case "Model": values["model"] = .string(value)
      case "Denoising strength":
        values["strength"] = Double(value).map(JSONValue.number)
        values["from_picture"] = .bool(true)
      case "Clip skip": values["clip_skip"] = Int(value).map { .integer($0 > 1 ? $0 - 1 : 0) }
      case "Size":
        let sizes = value.split(separator: "x").compactMap { Int($0) }
        if sizes.count == 2 {
          values["width"] = .integer(sizes[0])
          values["height"] = .integer(sizes[1])
        }
      default: break
      }
    }
    return values
  }

  /// A prompt without webui's `<lora:name:strength>`, and what these name.
  private static func withoutTags(_ prompt: String) -> (prompt: String, loras: [String]) {
    var (rest, loras) = (prompt, [String]())
    while let start = rest.firstRange(of: "<lora:"),
      let end = rest[start.upperBound...].firstIndex(of: ">")
    {
      let parts = rest[start.upperBound..<end].split(separator: ":")
      if let name = parts.first {
        loras.append("\(name).safetensors:\(parts.count > 1 ? parts[1] : "1")")
      }
      rest.removeSubrange(start.lowerBound...end)
    }
    return (loras.isEmpty ? prompt : rest.trimming { $0 == " " }, loras)
  }
}

extension String {
  /// The text without characters at both ends that `isTrimmed` names.
  fileprivate func trimming(_ isTrimmed: (Character) -> Bool) -> String {
    var text = self[...]
    while let last = text.last, isTrimmed(last) { text.removeLast() }
    return String(text.drop(while: isTrimmed))
  }
}
