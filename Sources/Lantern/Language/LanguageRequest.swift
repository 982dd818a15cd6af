package import LanternDecoding

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
  /// Typical-p: only the tokens whose surprise is nearest to the expected one and that together have this
  /// probability; 1 for all.
  public var typicalP: Float = 1
  /// XTC: how often all of the likeliest tokens but the last are left out; 0 for never.
  public var xtcProbability: Float = 0
  /// XTC: the probability from which on a token is one of them.
  public var xtcThreshold: Float = 0.1
  /// Mirostat's version, 1 or 2, in place of filters and penalties; 0 for none.
  public var mirostat = 0
  /// Mirostat's target: the surprise of a token in bits.
  public var mirostatTarget: Float = 5
  /// Mirostat's learning rate.
  public var mirostatRate: Float = 0.1
  /// Repetition penalty: divisor of the scores of tokens that occurred, the prompt's among them; 1 for no change.
  public var repetitionPenalty: Float = 1
  /// What the score of a token loses for each time that it occurred, the prompt's among them.
  public var frequencyPenalty: Float = 0
  /// What the score of a token that occurred loses, the prompt's among them.
  public var presencePenalty: Float = 0
  /// How many of the last tokens these penalties count; −1 for all, 0 for none.
  public var repetitionWindow = -1
  /// DRY: what the score of a token that prolongs a repetition loses; 0 for no change.
  public var dryMultiplier: Float = 0
  /// DRY: factor of that for each token that the repetition is longer.
  public var dryBase: Float = 1.75
  /// DRY: how many tokens a repetition may have without a loss.
  public var dryAllowedLength = 2
  /// DRY: how many of the last tokens are searched; −1 for all, 0 for none.
  public var dryWindow = -1
  /// DRY: texts that end a repetition.
  public var dryBreakers = ["\n", ":", "\"", "*"]
  /// What is added to the scores of tokens, by their ids; −∞ for one that is never written.
  public var logitBias: [Int: Float] = [:]
  /// The order of filters, penalties and temperature: "transformers", "llama.cpp", or their names with ";" between
  /// them.
  public var samplerOrder = "transformers"
  /// Minimum number of tokens to write: the model does not end the text before.
  public var minimumTokens = 0
  /// A JSON schema, as JSON: the text is JSON that it allows.
  public var schema: String?
  /// A regular expression in the syntax of Python's `re`: the text matches it as a whole.
  public var regex: String?
  /// The text is one of these, if there are any.
  public var choices: [String] = []
  /// A form that the text is held to, in place of these: calls of tools.
  package var callForm: TextForm?
  /// How many of the likeliest tokens are reported with each, with their log-probabilities; 0 for no report.
  public var logProbabilities = 0
  /// Strings before which the text ends.
  public var stop: [String] = []
  /// Tokens that are read ahead at most, as they came the last time that the same few stood in prompt or text: the text is
  /// the same, and comes sooner where it repeats itself or the prompt; 0 for none.
  public var lookup = 0
  /// Tokens that are read ahead at most, as a draft model proposes them.
  public var draftTokens = 4
  /// Beam search: texts that are kept at a time, of which the likeliest is written; 1 for none.
  public var beams = 1
  /// Beam search: exponent of the length that the score of a text is divided by; above 0 for longer texts.
  public var lengthPenalty: Float = 1
  /// Of a model that fills in masked tokens: steps in all; one for each token when nil.
  public var steps: Int?
  /// Of a model that fills in masked tokens: tokens of a block, which is filled in before the next; all when nil.
  public var blockLength: Int?
  /// Of a model that fills in masked tokens: which are filled in first, by "low_confidence", "margin", "entropy" or
  /// "random"; as the model's own code has it when nil.
  public var remasking: String?
  /// Of a model that fills in masked tokens: probability from which on all are filled in at once, in place of so many a
  /// step.
  public var confidence: Float?
  /// Of a model that fills in masked tokens: what is kept of the first step of a block for its next ones, "prefix", of
  /// the tokens before it, or "dual", of those behind it too; the text is another one then. Nothing when nil.
  public var maskCache: String?
  /// Of a model that fills in masked tokens: strength of guidance by the prompt; 0 for none.
  public var maskGuidance: Float = 0
  /// Path of a file that keeps what the beginning of the prompt became, in whole blocks of tokens: a prompt that
  /// begins alike is read from there on, and the text is the same. It is written where it lacks some of the prompt.
  public var promptCache: String?

  /// A request for text.
  public init(prompt: String) { self.prompt = prompt }
}

/// An event of writing.
public enum LanguageEvent: Sendable {
  /// More of the text: whole characters.
  case text(String)
  /// A token, where the request wants log-probabilities.
  case token(LanguageToken)
  /// The text is done.
  case finished(LanguageResult)
}

/// A token that was written, with what the model thought of it before any bias, penalty or filter.
public struct LanguageToken: Sendable, Equatable {
  /// A token with the natural logarithm of its probability.
  public struct Choice: Sendable, Equatable {
    /// The token's id.
    public let id: Int
    /// The token's UTF-8 bytes; a character may span several tokens.
    public let bytes: [UInt8]
    /// The natural logarithm of its probability.
    public let logProbability: Float
  }

  /// The token.
  public let choice: Choice
  /// The likeliest tokens in its stead, the likeliest first.
  public let likeliest: [Choice]
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
  /// Tokens of the prompt that the prompt cache had.
  public let cachedTokens: Int
  /// Tokens that look-up or a draft model proposed, and those of them that came.
  public let proposedTokens: Int, acceptedTokens: Int
  /// Of a beam search, the sum of the log-probabilities of the text's tokens over its length to the power of the penalty.
  public let score: Float?
  /// Why it ends.
  public let ending: Ending
  /// What had no effect, or another one than may be expected: a sentence each.
  public internal(set) var notes: [String]

  package init(
    text: String, promptTokens: Int, tokens: Int, cachedTokens: Int, proposedTokens: Int,
    acceptedTokens: Int, score: Float?, ending: Ending, notes: [String]
  ) {
    (self.text, self.score, self.ending, self.notes) = (text, score, ending, notes)
    (self.promptTokens, self.tokens, self.cachedTokens) = (promptTokens, tokens, cachedTokens)
    (self.proposedTokens, self.acceptedTokens) = (proposedTokens, acceptedTokens)
  }
}
