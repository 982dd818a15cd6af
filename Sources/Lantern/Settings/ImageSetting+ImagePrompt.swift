import LanternFormats
import LanternPictures

/// Rows of settings of pictures that stand next to the prompt.
extension ImageSetting {
  package static var imagePrompts: ImageSetting {
    ImageSetting(
      "imagePrompts", \.imagePrompts, .control, key: "image_prompts",
      range: "scales of 0 to 10; starts and ends of 0 to 1, the start first",
      check: { request, model in
        for prompt in request.imagePrompts { try check(prompt) }
        if request.imagePrompts.contains(where: { $0.start > 0 || $0.end < 1 }) {
          try checkSteps(of: request, model, "the start or end of an image prompt")
        }
      },
      option: SettingOption(
        "image-prompt", .values("adapter:picture"),
        "A picture next to the prompt, by an IP-Adapter: its file, a colon, and the picture, whose middle "
          + "square counts; may be given several times.",
        default: "none", takesDashes: false
      ).taking(
        [String].self,
        assign: { given, request in
          let before = request.imagePrompts
          request.imagePrompts = try given.map { text in
            let (adapter, picture) = try pair(
              text, like: "ip-adapter_sd15.safetensors:cat.png", onServer: request.namesServerFiles)
            var prompt = ImagePrompt(adapter: adapter, picture: try Picture(contentsOf: picture))
            // A picture that is drawn again has a scale of its own.
            if let old = before.first(where: { $0.name == prompt.name }) {
              (prompt.scale, prompt.start, prompt.end) = (old.scale, old.start, old.end)
              prompt.hadMask = old.hadMask
            }
            return prompt
          }
        }))
  }

  package static var imagePromptScale: ImageSetting {
    imagePrompts.part(
      "imagePromptScale", \.imagePrompts, "image-prompt-scale", "scale",
      "How much a picture next to the prompt counts, 0 to 10; once for all of them, or once for each.",
      default: "1", \.scale)
  }

  package static var imagePromptStart: ImageSetting {
    imagePrompts.part(
      "imagePromptStart", \.imagePrompts, "image-prompt-start", "share",
      "The share of the steps after which a picture next to the prompt counts; once for all, or for each.",
      default: "0", \.start)
  }

  package static var imagePromptEnd: ImageSetting {
    imagePrompts.part(
      "imagePromptEnd", \.imagePrompts, "image-prompt-end", "share",
      "The share of the steps up to which a picture next to the prompt counts; once for all, or for each.",
      default: "1", \.end)
  }

  package static var imagePromptMask: ImageSetting {
    imagePrompts.part(
      "imagePromptMask", \.imagePrompts, "image-prompt-mask", "file",
      "Where in what is drawn a picture next to the prompt counts: white in a mask, which is stretched over "
        + "it; once for all, or for each.",
      default: "everywhere"
    ) { (path: String, prompt: inout ImagePrompt) in prompt.mask = try Mask(contentsOf: path) }
  }

  private static func check(_ prompt: ImagePrompt) throws(RequestError) {
    guard prompt.picture != nil else {
      throw .needs(name: "the IP-Adapter \(prompt.name)", other: "a picture")
    }
    guard (0...10).contains(prompt.scale) else {
      throw .range(name: "scale of \(prompt.name)", found: "\(prompt.scale)", allowed: "0 to 10")
    }
    try check(prompt.start, prompt.end, of: prompt.name)
    guard !prompt.hadMask || prompt.mask != nil else {
      throw .needs(
        name: "the IP-Adapter \(prompt.name)",
        other: "its mask, as in the picture that is drawn again")
    }
  }

  package static var imageEncoder: ImageSetting {
    imagePrompts.part(
      "imageEncoder", \.imagePrompts, "image-encoder", "file or folder",
      "CLIP's vision encoder, which sees pictures next to the prompt; once for all, or for each.",
      default: "the model's or the adapter's image_encoder", \.encoder)
  }
}

/// A picture next to the prompt, of which a recipe says all but the picture.
extension ImagePrompt: SettingValue {
  package typealias Given = ImagePrompt
  package static var typeName: String { "IP-Adapter" }
  package init?(json: JSONValue) {
    guard let members = json.object, let name = members["adapter"]?.string else { return nil }
    self.init(adapter: name, picture: nil)
    scale = members["scale"]?.double.map { Float($0) } ?? scale
    encoder = members["encoder"]?.string
    start = members["start"]?.double ?? start
    end = members["end"]?.double ?? end
    hadMask = members["masked"]?.bool ?? false
  }
  package var json: JSONValue {
    // Names alone: their folders are private.
    var members: [String: JSONValue] = ["adapter": .string(name), "scale": scale.json]
    members["encoder"] = encoder.map { .string(LoRA($0).name) }
    if start != 0 { members["start"] = start.json }
    if end != 1 { members["end"] = end.json }
    if mask != nil || hadMask { members["masked"] = true }
    return .object(members)
  }
}
