/// Text to token ids.
package protocol Tokenizer: Sendable {
  /// The id that begins every prompt.
  var beginningOfText: Int { get }
  /// The id that ends every prompt.
  var endOfText: Int { get }
  /// The id that fills a prompt up to ``maximumLength``.
  var padding: Int { get }
  /// How many ids the model takes, those that begin and end the text included; at least 3.
  var maximumLength: Int { get }
  /// What of its files is otherwise than they say: a line each.
  var notes: [String] { get }

  /// The ids of a text alone: nothing begins, ends or fills it, and nothing is cut off.
  func encode(_ text: String) -> [Int]

  /// A text in which each token of several vectors stands as all of them: `<toy>` as
  /// `<toy> <toy>_1 <toy>_2` where textual inversion saved three.
  ///
  /// Equals diffusers' `maybe_convert_prompt`, but that vectors which are all written out already
  /// stay as they are.
  func withAllVectors(_ text: String) -> String

  /// A text in which a space stands in place of each token beside the vocabulary, as `<|endoftext|>` and
  /// those of textual inversion.
  func withoutAddedTokens(_ text: String) -> String
}

extension Tokenizer {
  package var notes: [String] { [] }

  package func withAllVectors(_ text: String) -> String { text }

  package func withoutAddedTokens(_ text: String) -> String { text }

  /// The ids of a text as a model wants them: begun, ended, and cut or filled to
  /// ``maximumLength``.
  ///
  /// Equals `transformers` with `padding="max_length", truncation=True`.
  package func tokens(for text: String) -> [Int] {
    let body = encode(text).prefix(maximumLength - 2)
    let rest = maximumLength - 2 - body.count
    return [beginningOfText] + body + [endOfText] + Array(repeating: padding, count: rest)
  }
}
