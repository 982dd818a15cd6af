package import LanternLayers
package import LanternTensor

/// Tokens of several texts, one text behind the other, without padding.
package struct TokenBatch: Sendable {
  /// Ids of all texts' tokens.
  package let ids: [Int]
  /// Of each token, which of a pair of texts it is of: 0 or 1.
  package let segments: [Int]
  /// Which tokens are a text.
  package let texts: TextRuns

  /// - Parameters:
  ///   - texts: ids of each text, one text and one id at least, with their begin and end tokens.
  ///   - segments: of each token, which of a pair of texts it is of; the first for all when nil.
  package init(_ texts: [[Int]], segments: [[Int]]? = nil) {
    ids = Array(texts.joined())
    self.segments = segments.map { Array($0.joined()) } ?? Array(repeating: 0, count: ids.count)
    self.texts = TextRuns(texts.map(\.count))
  }

  /// - Throws: ``TensorError`` for no text, an empty one, one of more tokens than a model takes, or other segments.
  func check(_ op: String, maximumLength: Int) throws(TensorError) {
    let isWhole = !texts.lengths.isEmpty && segments.count == ids.count
    guard isWhole, texts.lengths.allSatisfy({ (1...maximumLength).contains($0) }) else {
      throw .shape(
        op: op, expected: "texts of 1 to \(maximumLength) tokens, each with its segment",
        found: texts.lengths)
    }
  }
}

/// A transformer whose tokens attend to all of their text, both ways, so that their states stand for it: BERT and its
/// kin, and the encoders of encoder–decoders.
package protocol BidirectionalEncoder: Sendable {
  /// Features of a state.
  var features: Int { get }
  /// Ids are below it.
  var vocabularySize: Int { get }
  /// Tokens of a text at most, begin and end tokens included.
  var maximumLength: Int { get }
  /// Number of layers.
  var layerCount: Int { get }
  /// Whether the first token's state, as long as it is, is the text's vector, and not the mean of all.
  var firstStateIsVector: Bool { get }

  /// The states of texts' tokens behind the last layer. Those of a text do not depend on which others are there.
  ///
  /// - Parameter batch: at least one text.
  /// - Returns: `[1, token, feature]`, as the tokens of `batch`.
  /// - Throws: ``TensorError`` for an id outside the vocabulary, or too many tokens.
  func states(of batch: TokenBatch) throws(TensorError) -> Tensor
}

extension BidirectionalEncoder {
  package var firstStateIsVector: Bool { false }
}
