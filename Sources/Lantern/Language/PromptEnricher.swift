public import LanternTensor

/// Makes prompts of pictures richer with a language model: the words of a prompt stay, and details follow.
///
/// The model reads some prompts with their details and goes on from the one given; it needs no chat template.
public struct PromptEnricher: Sendable {
  private let generator: LanguageGenerator

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - path: a GGUF file, or a folder as transformers lays it out.
  ///   - precision: how exactly it computes.
  /// - Throws: as ``LanguageGenerator/init(path:adding:precision:cacheType:draft:)``.
  public init(path: String, precision: Precision = .default) throws {
    self.init(try LanguageGenerator(path: path, precision: precision))
  }

  /// An enricher of a model that is loaded.
  public init(_ generator: LanguageGenerator) { self.generator = generator }

  /// What was read otherwise than the files may lead to expect: a line each.
  public var notes: [String] { generator.notes }

  /// A richer prompt. Cancelling its task stops the work within one token.
  ///
  /// - Parameters:
  ///   - prompt: what is to be drawn; nothing is added to an empty one.
  ///   - seed: the same seed adds the same details.
  /// - Returns: the prompt with details behind it.
  /// - Throws: a `LanternError`, for a prompt beyond the model's context among others; `CancellationError`.
  public func enriched(_ prompt: String, seed: UInt64) async throws -> EnrichedPrompt {
    try await ComputeQueue.run { checkCancellation in
      try enrich(prompt, seed: seed) { try checkCancellation() }
    }
  }

  /// The same on the caller's thread; `check` is called at least once a token, and throws to stop.
  ///
  /// - Parameters:
  ///   - prompt: what is to be drawn.
  ///   - seed: the same seed adds the same details.
  ///   - facts: texts that say what it looks like, which the model reads before it goes on.
  ///   - check: throws to stop.
  /// - Returns: the prompt with details behind it.
  /// - Throws: as ``enriched(_:seed:)``, or what the closure throws.
  package func enrich(
    _ prompt: String, seed: UInt64, facts: [String] = [], check: () throws -> Void
  ) throws -> EnrichedPrompt {
    let subject = Self.plain(prompt)
    guard !subject.isEmpty else { return EnrichedPrompt(original: prompt, text: prompt) }
    let known = facts.map { "Known: \(Self.plain(PlainText.line($0)))\n" }.joined()
    var request = LanguageRequest(
      prompt: "\(Self.examples)\(known)Idea: \(subject)\nPicture: \(subject)")
    request.maximumTokens = 48
    request.temperature = 0.7
    request.topP = 0.9
    request.repetitionPenalty = 1.1
    request.seed = seed
    // Words alone: brackets, bars and colons mean something in prompts, and a line is one prompt.
    request.regex = #",? [\w '’,-]{20,240}\n"#
    let result = try generator.write(request) { _ in try check() }
    return EnrichedPrompt(
      original: prompt, text: Self.joined(prompt, result.text, besides: subject))
  }

  /// What a language model sees of a prompt: one line, without the brackets that weigh words.
  package static func plain(_ prompt: String) -> String {
    let line = prompt.filter { !"()[]{}<>|\\".contains($0) }.split(whereSeparator: \.isWhitespace)
    return line.joined(separator: " ")
  }

  /// A prompt with details, of which each is said once.
  package static func joined(_ prompt: String, _ details: String, besides subject: String)
    -> String
  {
    let words = subject.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != " " }
    var said = Set(words.map(String.init))
    let isSentence = details.first != ","
    let all = details.split(separator: ",").map { $0.split(whereSeparator: \.isWhitespace) }
      .map { $0.joined(separator: " ") }
      .filter { !$0.isEmpty && said.insert($0.lowercased()).inserted }
    guard !all.isEmpty else { return prompt }
    let ends: Set<Character> = [",", ".", ";", " ", "\n"]
    let begin = prompt.reversed().drop { ends.contains($0) }.reversed()
    return String(begin) + (isSentence ? " " : ", ") + all.joined(separator: ", ")
  }

  private static let examples = """
    Ideas for pictures, and each as an artist would describe it in one line.

    Idea: a cat
    Picture: a cat asleep on a red velvet cushion by the window, warm morning light, dust in the air, soft \
    shadows, detailed oil painting

    Idea: a town by the sea
    Picture: a town by the sea, white houses on steep cliffs, blue domes, small boats in the harbour, golden \
    hour, wide view, watercolour

    Idea: an old robot
    Picture: an old robot sitting in a field of poppies, rust and moss on its arms, butterflies, cloudy sky, \
    shallow depth of field, cinematic photograph


    """
}

/// A prompt that a language model made richer.
public struct EnrichedPrompt: Sendable, Equatable {
  /// The prompt before.
  public let original: String
  /// The richer one.
  public let text: String

  package init(original: String, text: String) { (self.original, self.text) = (original, text) }
}

extension ImageRequest {
  /// Takes a richer prompt; the picture's recipe has the one before too.
  public mutating func take(_ enriched: EnrichedPrompt) {
    (prompt, enrichedPrompt) = (enriched.text, enriched)
  }

  /// The prompt before a language model made it richer; nil where none did.
  public var originalPrompt: String? {
    enrichedPrompt?.text == prompt ? enrichedPrompt?.original : nil
  }
}
