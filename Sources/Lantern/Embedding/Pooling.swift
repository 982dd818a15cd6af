/// The states of a text's tokens.
struct TextStates {
  /// Of each token `features` numbers.
  let values: ArraySlice<Float>
  let features: Int
  /// Tokens.
  var count: Int { values.count / features }
}

extension TextEmbedder {
  /// How the states of a text's tokens become one vector.
  public enum Pooling: String, Sendable, CaseIterable {
    /// Their mean.
    case mean
    /// That of the last token, which in a language model has read all others.
    case last
    /// That of the first, as BERT's `[CLS]`.
    case cls
    /// The largest number of each feature.
    case max
    /// Their sum over the root of their number.
    case meanSqrt = "mean-sqrt"
    /// Their mean, in which the weight of the n-th token is n.
    case weightedMean = "weighted-mean"
  }
}

extension TextEmbedder.Pooling {
  /// The vector of a text.
  ///
  /// - Parameters:
  ///   - states: of the text's tokens.
  ///   - first: the first token that counts.
  /// - Returns: the vector; zeros where no token counts, as a table has no vector for any.
  func pooled(_ states: TextStates, from first: Int) -> [Float] {
    let features = states.features
    func row(_ token: Int) -> ArraySlice<Float> {
      states.values.dropFirst(token * features).prefix(features)
    }
    guard first < states.count else { return [Float](repeating: 0, count: features) }
    let tokens = first..<states.count
    switch self {
    case .last: return Array(row(states.count - 1))
    case .cls: return Array(row(first))
    case .max:
      return tokens.dropFirst().reduce(Array(row(first))) { largest, token in
        zip(largest, row(token)).map { Swift.max($0, $1) }
      }
    case .mean, .meanSqrt, .weightedMean:
      var sums = [Double](repeating: 0, count: features)
      var total = 0.0
      for token in tokens {
        let weight = self == .weightedMean ? Double(token + 1) : 1
        total += weight
        for (index, value) in row(token).enumerated() { sums[index] += weight * Double(value) }
      }
      let divisor = self == .meanSqrt ? total.squareRoot() : total
      return sums.map { Float($0 / divisor) }
    }
  }
}
