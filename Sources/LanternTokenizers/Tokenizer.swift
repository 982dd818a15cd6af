/// A tokenizer: text to token ids, and back.
package protocol Tokenizer: Sendable {
  /// Size of the vocabulary, added tokens included.
  var count: Int { get }
  /// The id of the end-of-text token.
  var endOfText: Int { get }
  /// The input of the text encoder that it was made for.
  var window: TokenWindow { get }
  /// A line for each deviation from the tokenizer's files.
  var notes: [String] { get }

  /// The ids of a text, without begin, end and padding tokens, and without truncation.
  ///
  /// - Parameters:
  ///   - text: any.
  ///   - readsSpecial: whether special tokens in the text, as `<|endoftext|>`, are matched.
  /// - Returns: the ids.
  func encode(_ text: String, readsSpecial: Bool) -> [Int]

  /// The UTF-8 bytes of ids, of which a character may span several. Unknown ids are ignored.
  func decode(_ ids: [Int]) -> [UInt8]

  /// The text with tokens of several vectors replaced by all of them: `<toy>` by `<toy> <toy>_1 <toy>_2`
  /// where textual inversion saved three.
  ///
  /// Equal to diffusers' `maybe_convert_prompt`, except that vectors which are all written out already do
  /// not change.
  func withAllVectors(_ text: String) -> String

  /// The text with each added token, as `<|endoftext|>` and those of textual inversion, replaced by a space.
  func withoutAddedTokens(_ text: String) -> String

  /// How many ids from this one on belong together, as the vectors of textual inversion; 1 for others.
  func vectorCount(from id: Int) -> Int
}

extension Tokenizer {
  package var notes: [String] { [] }

  package func withAllVectors(_ text: String) -> String { text }

  package func withoutAddedTokens(_ text: String) -> String { text }

  package func vectorCount(from id: Int) -> Int { 1 }

  /// Whether an id is of a special token, which text that people typed never becomes.
  package func isSpecial(_ id: Int) -> Bool {
    let text = String(decoding: decode([id]), as: UTF8.self)
    return encode(text) == [id] && encode(text, readsSpecial: false) != [id]
  }

  /// The ids of a text, in which special tokens are matched.
  package func encode(_ text: String) -> [Int] { encode(text, readsSpecial: true) }
}

/// A tokenizer of a language model: it reads conversations too.
package protocol LanguageTokenizer: Tokenizer {
  /// Ids that a text begins with, unless a template wrote it.
  var beginning: [Int] { get }
  /// Ids that end an answer and that a model's settings do not name.
  var endsOfTurn: [Int] { get }
  /// The special tokens around texts that an encoder reads.
  var frame: TextFrame { get }

  /// The ids of a text; only what a template wrote in it may be special tokens.
  func encode(_ text: ChatText) -> [Int]

  /// The first special token of a template's text, and what stands before it.
  func firstSpecial(in text: String) -> (before: String, id: Int)?
}

extension LanguageTokenizer {
  package var endsOfTurn: [Int] { [] }
  package var frame: TextFrame { TextFrame(beginning: beginning) }

  package func encode(_ text: String, readsSpecial: Bool) -> [Int] {
    encode(ChatText(text, isTyped: !readsSpecial))
  }
}
