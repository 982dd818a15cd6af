/// A request for text that goes on from a prompt. Everything but the prompt has a default.
public struct LanguageRequest: Sendable {
  /// The text to go on from.
  public var prompt: String
  /// Maximum number of tokens to write.
  public var maximumTokens = 256
  /// Seed of all random numbers: the same seed writes the same text. A random one for each new request.
  public var seed: UInt64 = Seed.random()
  /// Temperature of the next token; 0 takes the likeliest; the model's own when nil.
  public var temperature: Float?
  /// Top-p: only the likeliest tokens that together have this probability; the model's own when nil.
  public var topP: Float?
  /// Top-k: only so many of the likeliest tokens; 0 for all.
  public var topK = 0
  /// Min-p: only tokens of at least this share of the likeliest one's probability; 0 for all.
  public var minP: Float = 0
  /// Repetition penalty: divisor of the scores of tokens that occurred, the prompt's among them; 1 for no change.
  public var repetitionPenalty: Float = 1
  /// Strings before which the text ends.
  public var stop: [String] = []

  /// A request for text.
  public init(prompt: String) { self.prompt = prompt }
}

/// An event of writing.
public enum LanguageEvent: Sendable {
  /// More of the text: whole characters.
  case text(String)
  /// The text is done.
  case finished(LanguageResult)
}

/// A text that was written, and why it ends.
public struct LanguageResult: Sendable {
  /// Why a text ends.
  public enum Ending: String, Sendable {
    /// The model ended it.
    case endOfText = "stop"
    /// One of the request's strings came.
    case stopString = "stop string"
    /// It has as many tokens as the request wants, or as the model's context has room for.
    case length
  }

  /// The text, without the prompt.
  public let text: String
  /// Tokens of the prompt, and of the text.
  public let promptTokens: Int, tokens: Int
  /// Why it ends.
  public let ending: Ending
  /// What had no effect, or another one than may be expected: a sentence each.
  public let notes: [String]

  /// The same with one more note.
  func noting(_ note: String) -> LanguageResult {
    LanguageResult(
      text: text, promptTokens: promptTokens, tokens: tokens, ending: ending, notes: notes + [note])
  }
}
