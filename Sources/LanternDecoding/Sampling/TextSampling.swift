/// A text's tokens as a sampler chooses them one after the other.
package struct TextSampling: Sendable {
  private let sampler: TextSampler
  private let noise: TokenNoise
  private var mirostat: Mirostat?

  /// - Parameters:
  ///   - sampler: what chooses.
  ///   - seed: of all random numbers.
  package init(_ sampler: TextSampler, seed: UInt64) {
    (self.sampler, noise) = (sampler, TokenNoise(seed: seed))
    if sampler.mirostat > 0, sampler.temperature > 0 {
      mirostat = Mirostat(
        version: sampler.mirostat, target: sampler.mirostatTarget, rate: sampler.mirostatRate)
    }
  }

  /// The same at the beginning of a text, by other random numbers.
  package func seeded(_ seed: UInt64) -> TextSampling { TextSampling(sampler, seed: seed) }

  /// Chooses a token.
  ///
  /// - Parameters:
  ///   - scores: logits.
  ///   - past: tokens that occurred, the prompt's among them.
  ///   - allowed: the tokens that may be chosen; all when nil.
  ///   - index: the token's, from the text's beginning on.
  /// - Returns: the token; nil where none is allowed, or no logit is a number.
  package mutating func next(
    _ scores: [Float], past: [Int], allowed: TokenMask? = nil, index: Int
  ) -> Int? {
    let candidates = candidates(scores, past: past, allowed: allowed, index: index)
    guard !candidates.ids.isEmpty else { return nil }
    let probabilities = candidates.probabilities
    let choice = MaskedImageDecoder.pick(probabilities, noise.uniform(index))
    mirostat?.accept(probability: probabilities[choice])
    return candidates.ids[choice]
  }

  private func candidates(
    _ scores: [Float], past: [Int], allowed: TokenMask?, index: Int
  ) -> Candidates {
    guard let mirostat else {
      return sampler.candidates(
        scores, past: past, allowed: allowed, chance: noise[index].uniform(0))
    }
    var candidates = sampler.biased(scores, allowed: allowed)
    SamplerStep.temperature.apply(
      sampler, &candidates, SamplerStep.Context(past: past, chance: 0))
    mirostat.filter(&candidates, vocabulary: scores.count)
    return candidates
  }
}
