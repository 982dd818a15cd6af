public import LanternFormats

/// What can be wrong with a constraint on a text. Cases carry facts; ``description`` puts them in a line.
public enum ConstraintError: Error, Sendable, Equatable {
  /// A regular expression that cannot be read, at a character.
  case regex(reason: String, at: Int)
  /// A part of a schema that is wrong, or that is not built.
  case schema(reason: String, path: String)
  /// More states than an automaton may have.
  case tooLarge(what: String)
  /// A text that can never end.
  case endless(what: String)
  /// A text that takes more tokens than may be written.
  case tooLong(what: String, tokens: Int, maximum: Int)
  /// A vocabulary without tokens for what comes next.
  case unspellable(what: String)
}

extension ConstraintError: LanternError {
  /// What kind of failure it is.
  public var kind: ErrorKind { .usage }

  /// One line: what, and what to do.
  public var description: String {
    switch self {
    case .regex(let reason, let at):
      "the regular expression, character \(at + 1): \(reason)"
    case .schema(let reason, let path): "the schema at \(path.isEmpty ? "#" : path): \(reason)"
    case .tooLarge(let what):
      "\(what) needs more than \(ByteGrammar.stateLimit) states: repeat less, or with lower limits"
    case .endless(let what): "\(what) allows no text that ends, or none of usual depth and length"
    case .tooLong(let what, let tokens, let maximum):
      "\(what) takes \(tokens) tokens at least, and \(maximum) may be written: allow more with "
        + "--max-tokens, or a shorter text"
    case .unspellable(let what):
      "\(what) wants characters for which the model has no tokens; take another model"
    }
  }
}
