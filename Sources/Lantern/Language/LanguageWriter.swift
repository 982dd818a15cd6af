import LanternDecoding

/// A text that is being written: chooses its tokens from the scores behind each, gives text, and says when it ends.
struct LanguageWriter {
  private let model: LanguageModel
  private let request: LanguageRequest
  private let prompt: [Int]
  private let maximum: Int
  private var sampling: TextSampling
  private var held: HeldText
  private var streamed: StreamedText
  private var stops: StopStrings
  /// The text so far, as far as it is certain.
  private(set) var text = ""
  /// Why the text ends; nil while it goes on.
  private(set) var ending: LanguageResult.Ending?

  /// - Parameters:
  ///   - model: whose tokens they are.
  ///   - request: what is wanted.
  ///   - settings: the request's, decided.
  ///   - prompt: the tokens to go on from.
  ///   - maximum: tokens to write at most.
  /// - Throws: `ConstraintError` for a form that is wrong, or that does not fit.
  init(
    _ model: LanguageModel, _ request: LanguageRequest, _ settings: LanguageSettings,
    behind prompt: [Int], maximum: Int
  ) throws {
    (self.model, self.request, self.prompt, self.maximum) = (model, request, prompt, maximum)
    sampling = TextSampling(settings.sampler, seed: request.seed)
    held = try HeldText(model, settings.form, minimum: request.minimumTokens, maximum: maximum)
    streamed = StreamedText(model.tokenizer, skipsSpecial: model.skipsSpecialTokens)
    stops = StopStrings(request.stop)
  }

  /// The tokens, without the one that ends the text.
  var ids: [Int] { streamed.ids }
  /// The prompt's, and those.
  var tokens: [Int] { prompt + ids }
  /// Tokens that may be written yet.
  var remaining: Int { maximum - ids.count }

  /// The same at the beginning of a text, by other random numbers.
  func seeded(_ seed: UInt64) -> LanguageWriter {
    var writer = self
    writer.sampling = sampling.seeded(seed)
    return writer
  }

  /// Chooses the next token and takes it.
  ///
  /// - Parameters:
  ///   - scores: logits behind the last token.
  ///   - onEvent: called with more of the text.
  /// - Throws: `RequestError/notFinite(what:step:)`, `ConstraintError`, and what `onEvent` throws.
  mutating func step(_ scores: [Float], _ onEvent: (LanguageEvent) throws -> Void) throws {
    guard let id = try next(scores) else {
      return try onEvent(.text(finish(held.isCut ? .length : .endOfText)))
    }
    let piece = take(id)
    if request.logProbabilities > 0, ending != .endOfText { try onEvent(.token(token(id, scores))) }
    try onEvent(.text(piece))
  }

  /// Takes a token that was chosen already.
  mutating func take(chosen id: Int, _ onEvent: (LanguageEvent) throws -> Void) throws {
    try onEvent(.text(take(id)))
  }

  /// The next token; nil where the text has to end.
  private mutating func next(_ scores: [Float]) throws -> Int? {
    let index = ids.count
    switch try held.next(index, scores.count) {
    case .end: return nil
    case .token(let id): return held.take(id, remaining: maximum - index)
    case .tokens(let allowed):
      let id = sampling.next(scores, past: tokens, allowed: allowed, index: index)
      guard let id else { throw RequestError.notFinite(what: "every token's score", step: index) }
      return held.take(id, remaining: maximum - index)
    }
  }

  /// Takes a token; returns more of the text, maybe none.
  private mutating func take(_ id: Int) -> String {
    guard !model.ends.contains(id) else { return finish(.endOfText) }
    let (piece, isStopped) = stops.take(streamed.add(id) ?? "")
    text += piece
    if isStopped { ending = .stopString }
    guard ending == nil, ids.count >= maximum else { return piece }
    return piece + finish(.length)
  }

  /// Ends the text; returns what was held back.
  private mutating func finish(_ ending: LanguageResult.Ending) -> String {
    self.ending = ending
    let rest = stops.finish()
    text += rest
    return rest
  }

  /// A token with its log-probability, and the likeliest ones.
  private func token(_ id: Int, _ scores: [Float]) -> LanguageToken {
    let choices = LogProbabilities(scores)
    func choice(_ id: Int) -> LanguageToken.Choice {
      LanguageToken.Choice(
        id: id, bytes: model.tokenizer.decode([id]), logProbability: choices[id])
    }
    return LanguageToken(
      choice: choice(id), likeliest: choices.likeliest(request.logProbabilities).map(choice))
  }

  /// Notes on how the text came out: a sentence each.
  var notes: [String] {
    guard held.isCut else { return [] }
    return [
      "the text was ended in the shortest way: there is room for \(maximum) tokens; allow more with "
        + "--max-tokens"
    ]
  }
}
