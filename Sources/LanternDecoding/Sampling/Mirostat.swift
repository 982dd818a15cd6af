import LanternPlatform

/// Mirostat (Basu et al. 2020, arXiv:2007.14966): from token to token it keeps the surprise near a target.
package struct Mirostat: Sendable {
  /// 1, which estimates the exponent of Zipf's law and takes as many tokens as follow from it, or 2, which leaves
  /// out tokens that surprise more than a limit.
  private let version: Int
  private let target: Float
  private let rate: Float
  private var limit: Float

  /// - Parameters:
  ///   - version: 1 or 2.
  ///   - target: the surprise to aim at, in bits; τ.
  ///   - rate: how fast the limit follows; η.
  package init(version: Int, target: Float, rate: Float) {
    (self.version, self.target, self.rate, limit) = (version, target, rate, 2 * target)
  }

  /// Leaves out what surprises too much; at least one token stays.
  ///
  /// - Parameters:
  ///   - candidates: the tokens.
  ///   - vocabulary: its size.
  package func filter(_ candidates: inout Candidates, vocabulary: Int) {
    guard candidates.ids.count > 1 else { return }
    if version == 1 {
      candidates.keepLargest(
        candidates.scores, [Float](repeating: 1, count: candidates.ids.count),
        sum: Double(count(of: candidates, vocabulary)), keepsTies: false)
    } else {
      let probabilities = candidates.probabilities
      let best = candidates.best
      candidates.keep { $0 == best || -log2(probabilities[$0]) <= limit }
    }
  }

  /// Takes in which token was chosen.
  ///
  /// - Parameter probability: the token's, among those that ``filter(_:vocabulary:)`` left.
  package mutating func accept(probability: Float) {
    limit -= rate * (-log2(max(probability, .leastNormalMagnitude)) - target)
  }

  /// How many tokens are taken: equations 30 and 31 of the paper, from the 100 likeliest tokens.
  private func count(of candidates: Candidates, _ vocabulary: Int) -> Int {
    var likeliest = candidates
    likeliest.keepLargest(
      candidates.scores, [Float](repeating: 1, count: candidates.ids.count), sum: 100,
      keepsTies: false)
    let top = likeliest.scores.sorted(by: >)
    var (products, squares): (Float, Float) = (0, 0)
    for (index, (score, next)) in zip(top, top.dropFirst()).enumerated() {
      let ratio = log(Float(index + 2) / Float(index + 1))
      products += ratio * (score - next)
      squares += ratio * ratio
    }
    let exponent = products / squares
    let excess = exponent - 1
    let count = pow(
      excess * pow(2, limit) / (1 - pow(Float(vocabulary), -excess)), 1 / exponent)
    return count >= 1 ? Int(min(count, Float(candidates.ids.count))) : 1
  }
}
