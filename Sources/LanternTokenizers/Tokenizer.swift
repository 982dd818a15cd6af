/// A tokenizer: text to token ids.
package protocol Tokenizer: Sendable {
  /// The id of the begin-of-text token.
  var beginningOfText: Int { get }
  /// The id of the end-of-text token.
  var endOfText: Int { get }
  /// The id of the padding token.
  var padding: Int { get }
  /// The model's maximum number of ids, begin and end tokens included; at least 3.
  var maximumLength: Int { get }
  /// A line for each deviation from the tokenizer's files.
  var notes: [String] { get }

  /// The ids of a text, without begin, end and padding tokens, and without truncation.
  func encode(_ text: String) -> [Int]

  /// The text with tokens of several vectors replaced by all of them: `<toy>` by `<toy> <toy>_1 <toy>_2`
  /// where textual inversion saved three.
  ///
  /// Equal to diffusers' `maybe_convert_prompt`, except that vectors which are all written out already do
  /// not change.
  func withAllVectors(_ text: String) -> String

  /// The text with each added token, as `<|endoftext|>` and those of textual inversion, replaced by a space.
  func withoutAddedTokens(_ text: String) -> String
}

extension Tokenizer {
  package var notes: [String] { [] }

  package func withAllVectors(_ text: String) -> String { text }

  package func withoutAddedTokens(_ text: String) -> String { text }

  /// The model's input of a text: ids with begin and end tokens, truncated or padded to ``maximumLength``.
  ///
  /// Equal to `transformers` with `padding="max_length", truncation=True`.
  package func tokens(for text: String) -> [Int] {
    let body = encode(text).prefix(maximumLength - 2)
    let rest = maximumLength - 2 - body.count
    return [beginningOfText] + body + [endOfText] + Array(repeating: padding, count: rest)
  }
}
