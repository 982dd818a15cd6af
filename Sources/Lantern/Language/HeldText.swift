import LanternDecoding

/// Keeps a text to its form, and so short that it ends within the tokens that may be written.
struct HeldText {
  private var constraint: TextConstraint?
  /// Tokens of the shortest ending, once nothing longer fits.
  private var forced: [Int] = []
  /// Whether the text was ended before the model did.
  private(set) var isCut = false
  private let ends: Set<Int>
  private let minimum: Int

  /// - Parameters:
  ///   - model: whose tokens they are.
  ///   - form: what the text is held to; nothing when nil.
  ///   - minimum: tokens before which the model does not end the text.
  ///   - maximum: tokens at most.
  /// - Throws: `ConstraintError` for a form that is wrong, or that does not fit.
  init(_ model: LanguageModel, _ form: TextForm?, minimum: Int, maximum: Int) throws {
    (ends, self.minimum) = (model.ends, minimum)
    guard let form else { return }
    let grammar = try form.grammar()
    let constraint = TextConstraint(
      grammar, VocabularyTrie(model.tokenizer, without: model.ends), what: form.name)
    guard let ending = constraint.shortestEnding() else {
      throw ConstraintError.unspellable(what: form.name)
    }
    guard ending.count <= maximum else {
      throw ConstraintError.tooLong(what: form.name, tokens: ending.count, maximum: maximum)
    }
    self.constraint = constraint
  }

  /// What may come next.
  enum Next {
    /// These tokens; all when nil.
    case tokens(TokenMask?)
    /// This token.
    case token(Int)
    /// Nothing: the text is whole.
    case end
  }

  /// What may come next.
  ///
  /// - Parameters:
  ///   - index: tokens so far.
  ///   - count: logits of a token.
  /// - Returns: what it is.
  /// - Throws: `ConstraintError` where the vocabulary has no token that fits.
  mutating func next(_ index: Int, _ count: Int) throws -> Next {
    guard forced.isEmpty else { return .token(forced.removeFirst()) }
    guard var allowed = try constraint?.allowed() else {
      guard index < minimum else { return .tokens(nil) }
      var mask = TokenMask(count: count, isFull: true)
      for id in ends { mask.remove(id) }
      return .tokens(mask)
    }
    let mayEnd = constraint?.mayEnd == true
    guard !allowed.isEmpty else {
      guard mayEnd else { throw ConstraintError.unspellable(what: constraint?.what ?? "") }
      return .end
    }
    if mayEnd, index >= minimum { for id in ends { allowed.insert(id) } }
    return .tokens(allowed)
  }

  /// Takes the token that a sampler chose, or another where the text would not end in time.
  ///
  /// - Parameters:
  ///   - id: the token.
  ///   - remaining: tokens that may be written with it.
  /// - Returns: the token to write; nil where the text has to end before it.
  mutating func take(_ id: Int, remaining: Int) -> Int? {
    guard constraint != nil, !ends.contains(id) else { return id }
    let place = constraint?.current ?? 0
    _ = constraint?.accept(id)
    guard forced.isEmpty, constraint?.endingLength ?? 0 >= remaining,
      constraint?.shortestEnding().map({ $0.count < remaining }) != true
    else { return id }
    constraint?.goBack(to: place)
    forced = constraint?.shortestEnding() ?? []
    isCut = true
    guard !forced.isEmpty else { return nil }
    let first = forced.removeFirst()
    _ = constraint?.accept(first)
    return first
  }
}
