import LanternPlatform
import LanternFormats
import LanternPictures

extension ForeignRecipe {
  /// Reads stable-diffusion-webui's text, and that of those who write like it.
  init(_ text: WebUIText) {
    let version = text["Version"] ?? ""
    // webui's own versions begin with a letter and a number: "v1.10.1", "f2.0.1v1.10.1" for Forge.
    let isNamed = version.contains { $0.isLetter } && version.utf8.count > 12
    self.init(program: isNamed ? version : version.isEmpty ? "webui" : "webui \(version)")
    take("Prompt", text.prompt, as: .of(.prompt))
    if !text.negativePrompt.isEmpty {
      take("Negative prompt", text.negativePrompt, as: .of(.negativePrompt))
    }
    // A strength with these is that of the second pass, and there was no picture to begin from. What older
    // versions did says "First pass size" and not what enlarged.
    let isHires = text["Hires upscale"] != nil || text["Hires resize"] != nil
    let isOld = text.fields.contains { $0.name.hasPrefix("First pass") }
    let strengths = ImageSetting.strength.webUI?.names ?? []
    var last: [String: Int] = [:]
    for (index, field) in text.fields.enumerated() { last[field.name] = index }
    for (index, field) in text.fields.enumerated() where last[field.name] == index {
      let isStrength = strengths.contains(field.name)
      guard let reading = Self.webUI[field.name], isHires || !(isOld && isStrength) else {
        pass(over: field.name, field.value)
        continue
      }
      take(field.name, field.value, as: isHires && isStrength ? .hiresDenoise : reading)
    }
    for line in text.extensions { pass(over: "", line) }
    finish()
  }

  /// webui's names, and those of programs that write like it.
  private static let webUI: [String: Reading] = {
    var readings: [String: Reading] = [
      "Model": .model, "Model hash": .modelHash, "Lora hashes": .loraHashes,
    ]
    for name in [
      "Version", "TI hashes", "Hashes", "VAE hash", "Batch size", "Batch pos",
      "Created Date", "Civitai resources", "Civitai metadata", "App",
    ] { readings[name] = .ignored }
    for setting in ImageSetting.all {
      guard let webUI = setting.webUI else { continue }
      for name in webUI.names { readings[name] = webUI.reading ?? setting.reading }
      readings.merge(webUI.others) { $1 }
    }
    return readings
  }()
}

extension PictureRecipe {
  /// stable-diffusion-webui's text: the prompt, the negative prompt, and a line of settings.
  package var parameters: String {
    let request = request
    var text = WebUIText()
    // As webui has them, in the prompt, without their files' ending.
    let tags = loras.map { label in
      let parts = LoRA.parts(of: label)
      let name = parts.path.replacing(".safetensors", with: "")
      // Of two strengths the text encoders' is the first there.
      let strengths = [parts.text, parts.strength ?? 1].compactMap(\.self).map(LoRA.written)
      return " <lora:\(name):\(strengths.joined(separator: ":"))\(LoRA.written(parts.blocks))>"
    }
    text.prompt = request.prompt + tags.filter { !request.prompt.contains($0.dropFirst()) }.joined()
    text.negativePrompt = request.negativePrompt
    func add(_ settings: [ImageSetting]) {
      text.fields += ImageSetting.fields(settings, of: request, self)
    }
    func add(_ name: String, _ value: String?) {
      if let value { text.fields.append(WebUIText.Field(name, value)) }
    }
    add(ImageSetting.sampling)
    add("Model hash", modelHash)
    add("Model", model)
    add("Refiner", refiner)
    add(ImageSetting.picture)
    add("Lora hashes", Self.listed(loraHashes))
    add("TI hashes", Self.listed(embeddingHashes))
    add("Version", LanternVersion.label)
    return text.text
  }

  /// Hashes as webui lists them; nil for none.
  private static func listed(_ hashes: [String: String]) -> String? {
    let list = hashes.sorted { $0.key < $1.key }.map { name, hash in
      "\(TextualInversion.stem(of: name)): \(hash)"
    }
    return list.isEmpty ? nil : list.joined(separator: ", ")
  }
}

extension WebUIText {
  /// The text of a picture of masked codes, which has no recipe of its own.
  private init(_ prompt: String, _ fields: [Field], model: String) {
    self.init()
    self.prompt = prompt
    self.fields =
      fields + [
        Field("Model", FileSystem.split(model).name), Field("Version", LanternVersion.label),
      ]
  }

  /// The text of a picture that the model at `model` drew.
  init(_ request: TokenPictureRequest, model: String) {
    self.init(
      request.prompt, TokenPictureSetting.fields(TokenPictureSetting.all, of: request),
      model: model)
  }

  /// The text of the picture of a page that says `words`.
  init(_ words: String, page: Int, of request: StoryRequest, model: String) {
    self.init(
      words,
      StorySetting.fields(StorySetting.story, of: request) + [Field("Page", "\(page)")]
        + StorySetting.fields(StorySetting.drawing + StorySetting.writing, of: request),
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
