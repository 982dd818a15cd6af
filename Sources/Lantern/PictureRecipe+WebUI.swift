import LanternFormats
import LanternPictures
import LanternSamplers

extension ForeignRecipe {
  /// Reads stable-diffusion-webui's text, and that of those who write like it.
  init(_ text: WebUIText) {
    let version = text["Version"] ?? ""
    // webui's own versions begin with a letter and a number: "v1.10.1", "f2.0.1v1.10.1" for Forge.
    let isNamed = version.contains { $0.isLetter } && version.utf8.count > 12
    self.init(program: isNamed ? version : version.isEmpty ? "webui" : "webui \(version)")
    take("Prompt", text.prompt, as: .prompt)
    if !text.negativePrompt.isEmpty { take("Negative prompt", text.negativePrompt, as: .negative) }
    // A strength beside these is that of the second pass, and there was no picture to begin from.
    let isEnlarged = text.fields.contains {
      $0.name.hasPrefix("Hires ") || $0.name.hasPrefix("First pass")
    }
    var last: [String: Int] = [:]
    for (index, field) in text.fields.enumerated() { last[field.name] = index }
    for (index, field) in text.fields.enumerated() where last[field.name] == index {
      guard let setting = Self.webUISettings[field.name] else {
        pass(over: field.name, field.value)
        continue
      }
      if case .strength = setting, isEnlarged {
        pass(over: field.name, field.value)
      } else {
        take(field.name, field.value, as: setting)
      }
    }
    for line in text.extensions { pass(over: "", line) }
    finish()
  }

  /// webui's names, and those of programs that write like it.
  private static let webUISettings: [String: Setting] = [
    "Steps": .steps, "Sampler": .sampler, "Schedule type": .schedule, "Scheduler": .schedule,
    "Schedule": .schedule, "Schedule rho": .rho, "CFG scale": .guidance, "CFG Scale": .guidance,
    "Seed": .seed, "Size": .size, "Model": .model, "Model hash": .modelHash,
    "Clip skip": .clipSkipFromOne, "Clip Skip": .clipSkipFromOne, "CLIP skip": .clipSkipFromOne,
    "Eta": .eta, "Eta DDIM": .eta, "Denoising strength": .strength, "CFG rescale": .rescale,
    "CFG Rescale": .rescale, "Version": .told, "Lora hashes": .told, "TI hashes": .told,
    "Hashes": .told, "VAE hash": .told, "Batch size": .told, "Batch pos": .told,
    "Created Date": .told, "Civitai resources": .told, "Civitai metadata": .told, "App": .told,
  ]
}

extension PictureRecipe {
  /// stable-diffusion-webui's text: the prompt, the negative prompt, and a line of settings.
  package var parameters: String {
    let request = request
    var text = WebUIText()
    // As webui has them, in the prompt, without their files' ending.
    let tags = loras.map { label in
      let colon = label.lastIndex(of: ":") ?? label.endIndex
      let name = label[..<colon].replacing(".safetensors", with: "")
      return " <lora:\(name):\(colon < label.endIndex ? label[colon...].dropFirst() : "1")>"
    }
    text.prompt = request.prompt + tags.filter { !request.prompt.contains($0.dropFirst()) }.joined()
    text.negativePrompt = request.negativePrompt
    func add(_ name: String, _ value: String?) {
      if let value { text.fields.append(WebUIText.Field(name, value)) }
    }
    let sampler = SamplerCatalogue.webUIName(of: request.sampler ?? "")
    add("Steps", "\(request.steps ?? 0)")
    add("Sampler", request.usesCFGPlusPlus ? "\(sampler) CFG++" : sampler)
    // Lantern's ρ is 2 where webui's is 1.
    let curve = request.schedule.flatMap { Spacing(rawValue: $0) }
    add("Schedule type", curve.flatMap { SamplerCatalogue.webUIName(of: $0) })
    if curve == .polyexponential { add("Schedule rho", "2") }
    // webui divides what CFG++ is told.
    add("CFG scale", "\((request.guidance ?? 0) * (request.usesCFGPlusPlus ? 12.5 : 1))")
    add("Seed", "\(request.seed)")
    add("Size", "\(request.width ?? 0)x\(request.height ?? 0)")
    add("Eta", request.eta.map { "\($0)" })
    if request.guidanceRescale > 0 { add("CFG rescale", "\(request.guidanceRescale)") }
    add("Model hash", modelHash)
    add("Model", model)
    if needsInitialPicture { add("Denoising strength", "\(request.strength)") }
    // There 1 means that no layer is left out; a stranger's file may say any number.
    if request.clipSkip > 0 { add("Clip skip", "\(UInt(request.clipSkip) + 1)") }
    add("Version", LanternVersion.label)
    return text.text
  }
}

extension WebUIText {
  /// The text beside a picture of masked codes, which has no recipe of its own.
  private init(_ prompt: String, _ fields: [Field], seed: UInt64, model: String) {
    self.init()
    self.prompt = prompt
    self.fields =
      fields + [
        Field("Seed", "\(seed)"), Field("Model", FileSystem.split(model).name),
        Field("Version", LanternVersion.label),
      ]
  }

  /// The text beside a picture that the model at `model` drew.
  init(_ request: TokenPictureRequest, model: String) {
    self.init(request.prompt, [], seed: request.seed, model: model)
  }

  /// The text beside the picture of a page that says `words`.
  init(_ words: String, page: Int, of request: StoryRequest, model: String) {
    self.init(
      words, [Field("Story", request.prompt), Field("Page", "\(page)")], seed: request.seed,
      model: model)
  }
}

extension Picture {
  /// The picture with a text for its file, which keeps its lines and no other control character.
  func saying(_ text: WebUIText) -> Picture {
    var picture = self
    let text = String(PlainText.scalars(text.text))
    picture.metadata = PictureMetadata([.init(key: PictureRecipe.Key.parameters, text: text)])
    return picture
  }
}
