import LanternPlatform
import LanternFormats
import LanternTokenizers

extension ImageGenerator {
  /// What of the prompts is not read as people who write it elsewhere expect: a line each. Of a
  /// prompt that is taken to the letter, words that the model does not know alone.
  func promptNotes(_ request: ImageRequest) -> [String] {
    let prompts = [("prompt", request.prompt), ("negative prompt", request.negativePrompt)]
    let worlds = prompts.compactMap { place, prompt in
      worldNote(prompt, request.literalPrompt, place == "prompt" ? "" : "in the \(place)")
    }
    if request.literalPrompt { return worlds }
    return worlds
      + prompts.flatMap { place, prompt in
        let syntax = PromptSyntax(prompt)
        return tagNotes(syntax.tags, place) + syntax.notes(on: place)
      }
  }

  /// Which words of a prompt the model does not know, where it is known which it knows: a LoRA or an
  /// added token may have taught it others.
  private func worldNote(_ prompt: String, _ isLiteral: Bool, _ place: String) -> String? {
    guard let world = model.defaults.world, model.loras.isEmpty else { return nil }
    let weighted = isLiteral ? WeightedPrompt(literal: prompt) : WeightedPrompt(parsing: prompt)
    let texts = weighted.pieces.map { piece in
      if case .text(let text, _) = piece { text } else { " " }
    }
    return world.note(
      on: model.conditioner.withoutAddedTokens(texts.joined()),
      model: FileSystem.split(model.path).name, place: place)
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
      "\(shown)\(others) in the \(place) \(verb) nothing: add the LoRA's file"
        + (Self.strength(first).map { " with strength \($0)" } ?? "")
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

  private static func strength(_ tag: PromptSyntax.Tag) -> Float? {
    let first = tag.arguments.split(separator: ":").first.flatMap { Float($0) }
    return first.flatMap { $0.isFinite ? $0 : nil }
  }
}
