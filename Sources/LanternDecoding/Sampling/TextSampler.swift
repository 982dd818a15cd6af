/// A sampler of the next token from logits: bias, penalties, temperature and filters, in transformers' order
/// or another.
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
  /// Probability of the tokens whose surprise is nearest to the entropy (Meister et al. 2022,
  /// arXiv:2202.00666); 1 for all.
  public var typicalP: Float = 1
  /// Divisor of the logits of tokens that occurred, or factor where they are negative (Keskar et
  /// al. 2019, arXiv:1909.05858); 1 for no change.
  public var repetitionPenalty: Float = 1
  /// What the logit of a token loses for each time that it occurred; 0 for no change.
  public var frequencyPenalty: Float = 0
  /// What the logit of a token that occurred loses; 0 for no change.
  public var presencePenalty: Float = 0
  /// How many of the last tokens the three penalties count; −1 for all.
  public var repetitionWindow = -1
  /// DRY: what the logit of a token that prolongs a repetition loses; 0 for no change.
  public var dryMultiplier: Float = 0
  /// DRY: factor of that with each token that the repetition is longer.
  public var dryBase: Float = 1.75
  /// DRY: how long a repetition may be without a loss.
  public var dryAllowedLength = 2
  /// DRY: how many of the last tokens are searched; −1 for all.
  public var dryWindow = -1
  /// DRY: what ends a repetition.
  package var dryBreakers = SequenceBreakers()
  /// XTC: how often the likeliest tokens are left out; 0 for never.
  public var xtcProbability: Float = 0
  /// XTC: the probability from which on a token is one of them.
  public var xtcThreshold: Float = 0.1
  /// What is added to logits of tokens; −∞ for a token that is never taken.
  public var logitBias: [Int: Float] = [:]
  /// Mirostat's version, 1 or 2, in place of all steps but temperature and bias; 0 for none.
  public var mirostat = 0
  /// Mirostat's target surprise in bits, τ.
  public var mirostatTarget: Float = 5
  /// Mirostat's learning rate, η.
  public var mirostatRate: Float = 0.1
  /// The steps in their order.
  package var steps = SamplerStep.all

  /// A sampler without filters, at temperature 1.
  public init() {}

  /// Probabilities of all tokens, without Mirostat.
  ///
  /// - Parameters:
  ///   - scores: logits; −∞ for a token that is not allowed.
  ///   - past: tokens that occurred.
  /// - Returns: one for each token, of sum 1.
  public func probabilities(_ scores: [Float], past: [Int] = []) -> [Float] {
    let candidates = candidates(scores, past: past)
    var shares = [Float](repeating: 0, count: scores.count)
    for (id, share) in zip(candidates.ids, candidates.probabilities) { shares[id] = share }
    return shares
  }

  /// A token, by a uniform number in 0..<1, without Mirostat.
  ///
  /// - Parameters:
  ///   - scores: see ``probabilities(_:past:)``.
  ///   - past: tokens that occurred.
  ///   - uniform: the random number.
  /// - Returns: the token.
  public func choose(_ scores: [Float], past: [Int] = [], uniform: Float) -> Int {
    let candidates = candidates(scores, past: past)
    guard !candidates.ids.isEmpty else { return 0 }
    return candidates.ids[MaskedImageDecoder.pick(candidates.probabilities, uniform)]
  }

  /// The tokens that may be chosen, and what is left of their logits.
  ///
  /// - Parameters:
  ///   - scores: logits.
  ///   - past: tokens that occurred.
  ///   - allowed: the tokens that may be chosen; all when nil.
  ///   - chance: a random number in 0..<1, for XTC.
  /// - Returns: one token at least, unless none is allowed.
  package func candidates(
    _ scores: [Float], past: [Int], allowed: TokenMask? = nil, chance: Float = 0
  ) -> Candidates {
    var candidates = biased(scores, allowed: allowed)
    let context = SamplerStep.Context(past: past, chance: chance)
    for step in steps where step.isActive(self) && !(temperature <= 0 && step.isFilter) {
      step.apply(self, &candidates, context)
    }
    if temperature <= 0 {
      let best = candidates.best
      candidates.keep { $0 == best }
    }
    return candidates
  }

  /// The tokens that are allowed, with the bias.
  func biased(_ scores: [Float], allowed: TokenMask?) -> Candidates {
    guard !logitBias.isEmpty else { return Candidates(scores, allowed: allowed) }
    var scores = scores
    for (id, bias) in logitBias where scores.indices.contains(id) { scores[id] += bias }
    return Candidates(scores, allowed: allowed)
  }
}
