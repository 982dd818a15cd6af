/// The input of a text encoder: always as many ids, which begin and end with tokens of their own and are
/// padded.
package struct TokenWindow: Sendable, Equatable {
  /// The id of the begin-of-text token.
  package let beginning: Int
  /// The id of the end-of-text token.
  package let end: Int
  /// The id of the padding token.
  package let padding: Int
  /// Number of ids, begin and end tokens included; at least 3.
  package let length: Int

  /// See the properties.
  package init(beginning: Int, end: Int, padding: Int, length: Int) {
    self.beginning = beginning
    self.end = end
    self.padding = padding
    self.length = length
  }

  /// The input for a text: truncated or padded to ``length``.
  ///
  /// Equal to `transformers` with `padding="max_length", truncation=True`.
  ///
  /// - Parameter body: ids without begin and end tokens.
  /// - Returns: as many ids as ``length``.
  package func filled(with body: [Int]) -> [Int] {
    let body = body.prefix(length - 2)
    let rest = length - 2 - body.count
    return [beginning] + body + [end] + Array(repeating: padding, count: rest)
  }
}
