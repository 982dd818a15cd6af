import LanternPlatform

/// A sampler of the next token from logits: repetition penalty, temperature, top-k, top-p, min-p, in
/// this order, as transformers does.
public struct TextSampler: Sendable, Equatable {
  /// Divisor of the logits; 0 takes the likeliest token.
  public var temperature: Float = 1
  /// Maximum number of likeliest tokens; 0 for all.
  public var topK = 0
  /// Probability of the nucleus: the likeliest tokens that together have it (Holtzman et al. 2019,
  /// arXiv:1904.09751); 1 for all.
  public var topP: Float = 1
  /// Minimum probability, as a share of the likeliest token's (Nguyen et al. 2024,
  /// arXiv:2407.01082); 0 for all.
  public var minP: Float = 0
  /// Divisor of the logits of tokens that occurred, or factor where they are negative (Keskar et
  /// al. 2019, arXiv:1909.05858); 1 for no change.
  public var repetitionPenalty: Float = 1

  /// A sampler without filters, at temperature 1.
  public init() {}

  /// Probabilities of all tokens.
  ///
  /// - Parameters:
  ///   - scores: logits; −∞ for a token that is not allowed.
  ///   - past: tokens that occurred.
  /// - Returns: one for each token, of sum 1.
  public func probabilities(_ scores: [Float], past: [Int] = []) -> [Float] {
    var scores = scores
    if repetitionPenalty != 1 {
      for token in Set(past) where scores.indices.contains(token) {
        scores[token] *= scores[token] < 0 ? repetitionPenalty : 1 / repetitionPenalty
      }
    }
    if temperature <= 0 {
      var certain = [Float](repeating: 0, count: scores.count)
      if let best = scores.indices.max(by: { scores[$0] < scores[$1] }) { certain[best] = 1 }
      return certain
    }
    for token in scores.indices { scores[token] /= temperature }
    if topK > 0, topK < scores.count {
      let minimum = scores.sorted(by: >)[topK - 1]
      for token in scores.indices where scores[token] < minimum { scores[token] = -.infinity }
    }
    var shares = Self.softmax(scores)
    if topP < 1 {
      // In ascending order of probability, tokens of the tail 1 − topP are dropped.
      let order = shares.indices.sorted { (shares[$0], $1) < (shares[$1], $0) }
      var sum: Float = 0
      for token in order.dropLast() {
        sum += shares[token]
        if sum > 1 - topP { break }
        scores[token] = -.infinity
      }
      shares = Self.softmax(scores)
    }
    if minP > 0 {
      let minimum = minP * (shares.max() ?? 0)
      for token in shares.indices where shares[token] < minimum { scores[token] = -.infinity }
      shares = Self.softmax(scores)
    }
    return shares
  }

  /// A token, by a uniform number in 0..<1.
  ///
  /// - Parameters:
  ///   - scores: see ``probabilities(_:past:)``.
  ///   - past: tokens that occurred.
  ///   - uniform: the random number.
  /// - Returns: the token.
  public func choose(_ scores: [Float], past: [Int] = [], uniform: Float) -> Int {
    MaskedImageDecoder.pick(probabilities(scores, past: past), uniform)
  }

  private static func softmax(_ scores: [Float]) -> [Float] {
    let maximum = scores.max() ?? 0
    let shares = scores.map { exp($0 - maximum) }
    let sum = shares.reduce(0, +)
    return shares.map { $0 / sum }
  }
}
