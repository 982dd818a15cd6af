import LanternPlatform
import LanternFormats
import LanternLayers
import LanternTokenizers

extension ImageGenerator {
  /// Notes on syntax that other programs read and Lantern does not, and on unknown words: a line each. Of a
  /// literal prompt, unknown words alone.
  ///
  /// - Throws: what reading an embedding throws.
  func promptNotes(_ request: ImageRequest) throws -> [String] {
    let words = try model.conditioner.words(of: request)
    let named = [
      ("prompt", request.prompt), ("negative prompt", request.negativePrompt),
      ("prompt 2", request.prompt2), ("negative prompt 2", request.negativePrompt2),
    ].compactMap { location, prompt in
      prompt.map { prompt in
        let (rest, tags) = PromptSyntax.withoutTags(prompt)
        let words = location == "prompt" ? ComposedPrompt(parsing: rest).words : Self.words(rest)
        return (
          location: location, text: request.literalPrompt ? prompt : words, tags: tags
        )
      }
    }
    let idle = model.conditioner.notes(on: words, named.map(\.text))
    let prompts = named.map { ($0, model.conditioner.without(words, $1), $2) }
    let worlds = prompts.compactMap { location, prompt, _ in
      worldNote(prompt, request.literalPrompt, location == "prompt" ? "" : "in the \(location)")
    }
    if request.literalPrompt { return idle + worlds }
    return idle + worlds
      + prompts.flatMap { location, prompt, tags in
        tagNotes(tags, location) + syntaxNotes(prompt, location)
      }
      + compositionNotes(ComposedPrompt(parsing: request.prompt))
  }

  /// What is not read of a prompt's words.
  private func syntaxNotes(_ words: String, _ location: String) -> [String] {
    let syntax = PromptSyntax(words)
    let isUnread = syntax.findings.contains { [.schedule, .alternation].contains($0.kind) }
    return syntax.notes(on: location)
      + (isUnread && PromptSchedule(parsing: words).isAllText
        ? [
          "because of a | outside of such brackets, or a \\ at the end, the \(location) does not "
            + "change between steps, as in stable-diffusion-webui"
        ] : [])
  }

  /// On a number at the end of a prompt, which may not be meant, and on an AND next to nothing.
  private func compositionNotes(_ composed: ComposedPrompt) -> [String] {
    if composed.parts.count == 1, composed.isComposed {
      return [
        "the number at the end of the prompt weighs all of it, as in stable-diffusion-webui: "
          + "\(composed.parts[0].weight)"
      ]
    }
    return composed.parts.count > 1
      && composed.parts.contains { $0.text.allSatisfy(\.isWhitespace) }
      ? ["AND has no prompt on one of its sides: the empty one is composed with the others"] : []
  }

  /// The words that a prompt has at any step.
  fileprivate static func words(_ prompt: String) -> String {
    PromptSchedule(parsing: prompt).words
  }

  /// Which words of a prompt the model does not know, where it is known which it knows: a LoRA or an
  /// added token may have taught it others.
  private func worldNote(_ prompt: String, _ isLiteral: Bool, _ location: String) -> String? {
    guard let world = model.defaults.world, model.loras.isEmpty else { return nil }
    let weighted = isLiteral ? WeightedPrompt(literal: prompt) : WeightedPrompt(parsing: prompt)
    let texts = weighted.pieces.map { piece in
      if case .text(let text, _) = piece { text } else { " " }
    }
    return world.note(
      on: model.conditioner.withoutAddedTokens(texts.joined()),
      model: HubCache.name(of: model.path), location: location)
  }

  /// Of tags that name no LoRA that was added.
  private func tagNotes(_ tags: [PromptSyntax.Tag], _ location: String) -> [String] {
    let added = Set(model.loras.map { Self.stem(FileSystem.split($0.path).name) })
    let missing = tags.filter { !added.contains(Self.stem($0.name)) }
    guard let first = missing.first else { return [] }
    let maximum = 4
    let shown = missing.prefix(maximum).map { PromptSyntax.shown($0.text) }.joined(separator: ", ")
    let others = missing.count > maximum ? " and \(missing.count - maximum) more" : ""
    let verb = missing.count == 1 ? "adds" : "add"
    return [
      "\(shown)\(others) in the \(location) \(verb) nothing: add the LoRA's file"
        + (Self.strength(first).map { " with strength \($0)" } ?? "")
        + ", or name the folder that holds it"
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

extension ImageGenerator {
  /// Notes on what a second pass has of its own: a line each.
  ///
  /// - Parameters:
  ///   - passes: all of them.
  ///   - notes: those of the first.
  /// - Returns: the others.
  /// - Throws: what reading an embedding throws.
  func secondPassNotes(_ passes: [DrawingPass], besides notes: [String]) throws -> [String] {
    guard passes.count > 1 else { return [] }
    let (request, settings) = (passes[1].request, passes[1].settings)
    let own =
      try promptNotes(request) + settings.samplingNotes(on: request, model, passes[1].plan)
    return own.filter { !notes.contains($0) }.map { "in the second pass, \($0)" }
  }

  /// Notes on texts that no pass drew, and on a cache that they leave nothing to reuse: a line each.
  func passNotes(_ passes: [DrawingPass], calls: [Int]) -> [String] {
    zip(passes.indices, calls).flatMap { index, calls in
      let others = passes.indices.filter { $0 != index }.map { passes[$0].prompt.texts }
      return passes[index].prompt.notes(
        calls: calls, cache: passes[index].settings.cache, besides: Set(others.joined()))
    }
  }
}

extension PromptEncoding {
  /// All texts, of both sides.
  fileprivate var texts: [String] { (parts.map(\.schedule) + [negative]).flatMap(\.texts) }

  fileprivate func notes(calls: Int, cache: StepCache?, besides others: Set<String>) -> [String] {
    var notes: [String] = []
    for (name, schedules) in [
      ("prompt", parts.map(\.schedule)), ("negative prompt", [negative]),
    ] {
      for schedule in schedules {
        guard let (text, call) = schedule.unreached(calls: calls), !others.contains(text) else {
          continue
        }
        notes.append(
          "the \(name) is never \"\(PromptSyntax.shown(text))\": that would begin at evaluation "
            + "\(call + 1) of the denoiser, and \(calls) were made")
      }
    }
    if let cache, calls > 2, (1..<calls).filter({ choice(at: $0) == choice(at: $0 - 1) }).count < 2
    {
      notes.append("\(cache.text) saves next to nothing: the prompt changes in every step")
    }
    return notes
  }
}

extension ComposedPrompt {
  /// The words that its prompts have at any step.
  fileprivate var words: String {
    parts.map { PromptSchedule(parsing: $0.text).words }.joined(separator: "\n")
  }
}
