#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Chooses a text's next token from scores: repetition penalty, temperature, top-k, top-p, min-p, in
/// this order, as transformers does.
public struct TextSampler: Sendable, Equatable {
  /// What scores are divided by; 0 takes the likeliest token.
  public var temperature: Float = 1
  /// Only so many of the likeliest tokens; 0 for all.
  public var topK = 0
  /// Only the likeliest tokens that together have this probability (Holtzman et al. 2019,
  /// arXiv:1904.09751); 1 for all.
  public var topP: Float = 1
  /// Only tokens of at least this share of the likeliest one's probability (Nguyen et al. 2024,
  /// arXiv:2407.01082); 0 for all.
  public var minP: Float = 0
  /// What scores of tokens that occurred are divided by, or multiplied by where negative (Keskar et
  /// al. 2019, arXiv:1909.05858); 1 for no change.
  public var repetitionPenalty: Float = 1

  /// A sampler that takes tokens as the model finds them likely.
  public init() {}

  /// Probabilities of all tokens.
  ///
  /// - Parameters:
  ///   - scores: logits; −∞ for a token that may not be.
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
      let least = scores.sorted(by: >)[topK - 1]
      for token in scores.indices where scores[token] < least { scores[token] = -.infinity }
    }
    var shares = Self.softmax(scores)
    if topP < 1 {
      // From the least likely on: what adds up to no more than the rest goes.
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
      let least = minP * (shares.max() ?? 0)
      for token in shares.indices where shares[token] < least { scores[token] = -.infinity }
      shares = Self.softmax(scores)
    }
    return shares
  }

  /// A token, by a uniform number in 0..<1.
  ///
  /// - Parameters:
  ///   - scores: see ``probabilities(_:past:)``.
  ///   - past: tokens that occurred.
  ///   - uniform: which of the likely ones.
  /// - Returns: the token.
  public func choose(_ scores: [Float], past: [Int] = [], uniform: Float) -> Int {
    MaskedImageDecoder.pick(probabilities(scores, past: past), uniform)
  }

  private static func softmax(_ scores: [Float]) -> [Float] {
    let most = scores.max() ?? 0
    let shares = scores.map { exp($0 - most) }
    let sum = shares.reduce(0, +)
    return shares.map { $0 / sum }
  }
}
