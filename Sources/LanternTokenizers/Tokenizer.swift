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

  /// The ids of a text alone: nothing begins, ends or fills it, and nothing is cut off.
  func encode(_ text: String) -> [Int]
}

extension Tokenizer {
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
