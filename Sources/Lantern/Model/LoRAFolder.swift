import LanternFormats
import LanternTokenizers

/// A folder of LoRAs that prompts call by their files' names: `<lora:name:0.8>`.
public struct LoRAFolder: Sendable {
  private let files: NamedFiles

  /// Lists the LoRAs of a folder and of those within it: `.safetensors`, `.pt` and `.bin` files, and folders
  /// that PEFT wrote.
  ///
  /// - Parameter path: the folder.
  /// - Throws: `FormatError` when it cannot be listed.
  public init(_ path: String) throws {
    files = try NamedFiles(
      folder: path, endings: ["safetensors", "pt", "bin"], markers: ["adapter_config.json"])
  }

  /// The LoRA of a name.
  ///
  /// - Parameters:
  ///   - name: the file's, with or without its ending and the folders above it.
  ///   - strength: how much of it is added.
  ///   - textEncoderStrength: how much of it is added to text encoders; nil for the same.
  /// - Returns: the LoRA.
  /// - Throws: `FormatError` when there is none, with the nearest name, or several.
  public func lora(
    named name: String, strength: Float = 1, textEncoderStrength: Float? = nil
  ) throws -> LoRA {
    let path = try files.path(of: name, kind: "LoRA")
    var lora = LoRA(path, strength: strength, textEncoderStrength: textEncoderStrength)
    let name = files.name(of: path)
    if name != lora.name { lora.nameInFolder = name }
    return lora
  }
}

extension ImageRequest {
  /// Takes the tags of LoRAs out of the prompts of both text encoders, as stable-diffusion-webui has them: `<lora:name:0.8>`, and
  /// `<lora:name:0.5:0.8>` or `<lora:name:te=0.5:unet=0.8>` for another strength of text encoders, and of
  /// blocks `<lora:name:0.8:lbw=1,0,…>` or `<lora:name:0.8:up.block_1=0.5>`. A literal prompt stays as it is.
  ///
  /// - Parameter folder: where the LoRAs are.
  /// - Returns: LoRAs in the order of their tags, for the model to be loaded with, and notes: a line each.
  /// - Throws: ``RequestError/range(name:found:allowed:)`` for a strength that is no number, `FormatError`
  ///   for a name that the folder does not have.
  public mutating func takeLoRAs(from folder: LoRAFolder) throws -> (loras: [LoRA], notes: [String])
  {
    guard !literalPrompt else { return ([], []) }
    let (rest, first) = PromptSyntax.withoutTags(prompt)
    let second = prompt2.map { PromptSyntax.withoutTags($0) }
    let tags = first + (second?.tags ?? [])
    var (loras, notes, others): ([LoRA], [String], String) = ([], [], "")
    for tag in tags {
      guard tag.kind != "hypernet" else {
        others += tag.text
        continue
      }
      let text = PromptSyntax.shown(tag.text)
      guard let strengths = LoRA.TagStrengths(tag.arguments) else {
        throw RequestError.range(
          name: "strength of \(text)", found: PromptSyntax.shown(tag.arguments),
          allowed: "a number, as <lora:\(PromptSyntax.shown(tag.name)):0.8>")
      }
      let isOne = strengths.textEncoder == strengths.denoiser
      var lora = try folder.lora(
        named: tag.name, strength: strengths.denoiser,
        textEncoderStrength: isOne ? nil : strengths.textEncoder)
      lora.blockStrengths = strengths.blocks
      loras.append(lora)
      if !isOne {
        notes.append(
          "\(text): strength \(strengths.textEncoder) for text encoders and "
            + "\(strengths.denoiser) for the U-Net, in the order of stable-diffusion-webui")
      }
      if !strengths.unread.isEmpty {
        let unread = strengths.unread.joined(separator: ", ")
        notes.append("\(text): \(PromptSyntax.shown(unread)) has no effect")
      }
    }
    if !first.isEmpty || !others.isEmpty { prompt = rest.trimmed + others }
    if let second, !second.tags.isEmpty { prompt2 = second.prompt.trimmed }
    return (loras, notes)
  }
}
