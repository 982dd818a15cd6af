import LanternPlatform

/// The tokens that may still be chosen, with their logits.
package struct Candidates: Sendable, Equatable {
  /// Token ids, ascending.
  package private(set) var ids: [Int]
  /// A logit for each.
  package var scores: [Float]

  /// - Parameters:
  ///   - scores: a logit for each token of the vocabulary; −∞ and NaN for one that is not allowed.
  ///   - allowed: the tokens that may be chosen; all when nil.
  package init(_ scores: [Float], allowed: TokenMask? = nil) {
    ids = scores.indices.filter { id in
      scores[id] > -.infinity && allowed?.contains(id) != false
    }
    self.scores = ids.count == scores.count ? scores : ids.map { scores[$0] }
  }

  /// Softmax of the logits.
  package var probabilities: [Float] {
    let maximum = scores.max() ?? 0
    // Of a logit that a bias made infinite, nothing else is left to choose.
    guard maximum < .infinity else { return Self.normalized(scores.map { $0 == maximum ? 1 : 0 }) }
    return Self.normalized(scores.map { exp($0 - maximum) })
  }

  /// The position of the largest logit, the first of several; nil where there is none.
  package var best: Int? { scores.indices.max { scores[$0] < scores[$1] } }

  /// Keeps the positions of which a closure says so.
  package mutating func keep(where isKept: (Int) -> Bool) {
    let kept = scores.indices.filter(isKept)
    guard kept.count < ids.count else { return }
    ids = kept.map { ids[$0] }
    scores = kept.map { scores[$0] }
  }

  /// Keeps the positions with the largest keys whose weights together reach a sum, the one that crosses it
  /// included; of equal keys the first.
  ///
  /// - Parameters:
  ///   - keys: one for each position.
  ///   - weights: one for each position, not negative.
  ///   - sum: to be reached.
  ///   - keepsTies: whether positions with the key of the last one are kept too.
  package mutating func keepLargest(
    _ keys: [Float], _ weights: [Float], sum: Double, keepsTies: Bool
  ) {
    let (bins, first) = Self.bins(keys, weights, sum)
    let order = keys.indices.filter { bins[$0] >= first }.sorted {
      (keys[$1], $0) < (keys[$0], $1)
    }
    var (total, count) = (0.0, 0)
    for position in order {
      if count > 0, total >= sum { break }
      total += Double(weights[position])
      count += 1
    }
    guard count > 0, count < keys.count else { return }
    let last = order[count - 1]
    keep {
      (keys[last], $0) < (keys[$0], last) || $0 == last || keepsTies && keys[$0] == keys[last]
    }
  }

  /// A coarse order of keys, so that only those near the top are sorted: the upper bits of each key, and the
  /// lowest of them that is needed to reach the sum.
  private static func bins(_ keys: [Float], _ weights: [Float], _ sum: Double) -> ([UInt16], Int) {
    let bins = keys.map { key -> UInt16 in
      let bits = key.bitPattern
      // Of floats in ascending order, negative ones first, the bits ascend so.
      return UInt16((bits >> 31 == 1 ? ~bits : bits | 0x8000_0000) >> 16)
    }
    var totals = [Double](repeating: 0, count: 1 << 16)
    for (bin, weight) in zip(bins, weights) { totals[Int(bin)] += Double(weight) }
    var (total, first) = (0.0, 1 << 16)
    // Sums in another order are rounded otherwise: a little more is sorted than is needed.
    while first > 0, total <= sum * (1 + 1e-9) {
      first -= 1
      total += totals[first]
    }
    return (bins, first)
  }

  private static func normalized(_ shares: [Float]) -> [Float] {
    let sum = shares.reduce(0, +)
    return shares.map { $0 / sum }
  }
}
