import LanternFormats
import LanternTokenizers

extension ImageGenerator {
  /// What of the prompts is not read as people who write it elsewhere expect: a line each; nothing
  /// of a prompt that is taken to the letter.
  func promptNotes(_ request: ImageRequest) -> [String] {
    if request.literalPrompt { return [] }
    let prompts = [("prompt", request.prompt), ("negative prompt", request.negativePrompt)]
    return prompts.flatMap { place, prompt in
      let syntax = PromptSyntax(prompt)
      return tagNotes(syntax.tags, place) + syntax.notes(on: place)
    }
  }

  /// Of tags that name no LoRA that was added.
  private func tagNotes(_ tags: [PromptSyntax.Tag], _ place: String) -> [String] {
    let added = Set(model.loras.map { Self.stem(FileSystem.split($0.path).name) })
    let missing = tags.filter { !added.contains(Self.stem($0.name)) }
    guard let first = missing.first else { return [] }
    let most = 4
    let shown = missing.prefix(most).map { PromptSyntax.shown($0.text) }.joined(separator: ", ")
    let others = missing.count > most ? " and \(missing.count - most) more" : ""
    let verb = missing.count == 1 ? "adds" : "add"
    return [
      "\(shown)\(others) in the \(place) \(verb) nothing: name the LoRA's file with --lora "
        + "FILE\(Self.strength(first))"
        + (missing.contains { $0.kind == "hypernet" } ? "; hypernetworks are not built" : "")
    ]
  }

  /// A file's name without folder and ending, as tags have it.
  private static func stem(_ name: String) -> String {
    let name = FileSystem.split(name).name
    let end = name.lastIndex(of: ".") ?? name.endIndex
    return ["safetensors", "bin", "pt"].contains(name[end...].dropFirst())
      ? String(name[..<end]) : name
  }

  private static func strength(_ tag: PromptSyntax.Tag) -> String {
    let first = tag.arguments.split(separator: ":").first.flatMap { Float($0) }
    return first.map { $0.isFinite ? ":\($0)" : "" } ?? ""
  }
}
