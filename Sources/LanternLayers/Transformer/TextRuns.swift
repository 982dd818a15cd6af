package import LanternTensor

/// Texts whose tokens lie one text behind the other, without padding: what comes of one does not depend on which others
/// are there.
package struct TextRuns: Sendable {
  /// Tokens of each text.
  package let lengths: [Int]
  /// Tokens of all texts.
  package let count: Int
  /// Neighbours of one length.
  fileprivate let runs: [(first: Int, texts: Int, length: Int)]

  /// Texts of so many tokens each, at least one.
  package init(_ lengths: [Int]) {
    self.lengths = lengths
    var runs: [(first: Int, texts: Int, length: Int)] = []
    var first = 0
    for length in lengths {
      if let last = runs.last, last.length == length {
        runs[runs.count - 1].texts += 1
      } else {
        runs.append((first, 1, length))
      }
      first += length
    }
    (self.runs, count) = (runs, first)
  }

  /// The positions of tokens in their texts.
  package var positions: [Int] { lengths.flatMap { 0..<$0 } }

  /// Where each text's tokens are.
  package var ranges: [Range<Int>] {
    var first = 0
    return lengths.map { length in
      defer { first += length }
      return first..<first + length
    }
  }
}

extension Attention {
  /// Attention's heads, side by side, of tokens that attend to those of their own text.
  ///
  /// - Parameters:
  ///   - queries: `[1, token, feature]`, as all texts' tokens.
  ///   - all: keys and values of the same tokens.
  ///   - texts: which of them are a text.
  ///   - bias: added to the scores by distance.
  /// - Returns: the shape of `queries`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func attend(
    _ queries: Tensor, to all: KeysAndValues, within texts: TextRuns, bias: RelativeBias? = nil
  ) throws(TensorError) -> Tensor {
    let parts = try texts.runs.map { run throws(TensorError) in
      func part(_ x: Tensor) throws(TensorError) -> Tensor {
        try x.sliced(axis: 1, run.first..<run.first + run.texts * run.length)
          .reshaped([run.texts, run.length, x.shape[2]])
      }
      let own = KeysAndValues(keys: try part(all.keys), values: try part(all.values))
      return try attend(part(queries), to: own, bias: bias)
        .reshaped([1, run.texts * run.length, queries.shape[2]])
    }
    return parts.count == 1 ? parts[0] : try Tensor.concatenated(parts, axis: 1)
  }
}
