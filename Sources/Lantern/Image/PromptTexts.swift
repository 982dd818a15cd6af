import LanternModels
import LanternTokenizers

/// The texts that a side of a request has during a run: for the first text encoder, and for a second one.
struct PromptTexts {
  /// What the text encoders read at a time.
  struct Texts: Hashable {
    let first: String
    let second: String
  }

  /// Up to which evaluation of the denoiser each is drawn, in order; at least one.
  let entries: [(end: Int, texts: Texts)]

  /// A prompt to the letter.
  init(literal first: String, _ second: String?) {
    entries = [(.max, Texts(first: first, second: second ?? first))]
  }

  /// A prompt that may change between steps, and that of the second text encoder, if it has one of its own.
  init(_ first: String, _ second: String?, over steps: PromptSchedule.Steps) {
    func read(_ prompt: String) -> [PromptSchedule.Entry] {
      PromptSchedule(parsing: PromptSyntax.withoutTags(prompt).prompt).entries(over: steps)
    }
    let main = read(first)
    let other = second.map(read) ?? main
    func text(_ entries: [PromptSchedule.Entry], at end: Int) -> String {
      (entries.first { $0.end >= end } ?? entries[entries.count - 1]).text
    }
    entries = Set((main + other).map(\.end)).sorted().map { end in
      (end, Texts(first: text(main, at: end), second: text(other, at: end)))
    }
  }

  /// The parts that a request's prompt is composed of, each with its weight; a prompt of the second text
  /// encoder's own goes with each of them.
  static func positive(
    _ request: ImageRequest, over steps: PromptSchedule.Steps
  ) -> [(texts: PromptTexts, weight: Float)] {
    if request.literalPrompt {
      return [(PromptTexts(literal: request.prompt, request.prompt2), 1)]
    }
    return ComposedPrompt(parsing: request.prompt).parts.map {
      (PromptTexts($0.text, request.prompt2, over: steps), $0.weight)
    }
  }

  /// A request's negative prompt, which is not composed.
  static func negative(_ request: ImageRequest, over steps: PromptSchedule.Steps) -> PromptTexts {
    request.literalPrompt
      ? PromptTexts(literal: request.negativePrompt, request.negativePrompt2)
      : PromptTexts(request.negativePrompt, request.negativePrompt2, over: steps)
  }

  /// The encodings of the texts, each text's once.
  func encoded(_ encode: (Texts) throws -> Conditioning) rethrows -> ConditioningSchedule {
    var indices: [Texts: Int] = [:]
    var (conditionings, names): ([Conditioning], [String]) = ([], [])
    let found = try entries.map { entry in
      let index = indices[entry.texts] ?? conditionings.count
      if index == conditionings.count {
        conditionings.append(try encode(entry.texts))
        names.append(entry.texts.first)
        indices[entry.texts] = index
      }
      return (end: entry.end, index: index)
    }
    return ConditioningSchedule(conditionings: conditionings, texts: names, entries: found)
  }
}
