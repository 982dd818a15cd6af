import LanternPlatform

/// Natural logarithms of the probabilities of a vocabulary's tokens.
package struct LogProbabilities: Sendable {
  private let scores: [Float]
  private let total: Float

  /// - Parameter scores: logits.
  package init(_ scores: [Float]) {
    self.scores = scores
    let maximum = scores.max() ?? 0
    total = maximum + Float(log(scores.reduce(0.0) { $0 + exp(Double($1 - maximum)) }))
  }

  /// A token's.
  package subscript(id: Int) -> Float { scores[id] - total }

  /// The likeliest tokens, the likeliest first.
  package func likeliest(_ count: Int) -> [Int] {
    var candidates = Candidates(scores)
    candidates.keepLargest(
      candidates.scores, [Float](repeating: 1, count: candidates.ids.count), sum: Double(count),
      keepsTies: false)
    return candidates.ids.sorted { (scores[$1], $0) < (scores[$0], $1) }
  }
}
