import LanternPlatform

extension SamplerStep {
  /// The tokens whose surprise is nearest to the expected one, the entropy, and that together have a probability
  /// (Meister et al. 2022, arXiv:2202.00666).
  static let typical = SamplerStep(
    name: "typ_p", isFilter: true, isActive: { $0.typicalP < 1 },
    apply: { sampler, candidates, _ in
      let probabilities = candidates.probabilities
      let maximum = candidates.scores.max() ?? 0
      let total = log(candidates.scores.reduce(0) { $0 + exp($1 - maximum) })
      let logs = candidates.scores.map { $0 - maximum - total }
      let entropy = -zip(probabilities, logs).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * $1.1 : 0) }
      candidates.keepLargest(
        logs.map { -abs(-$0 - entropy) }, probabilities, sum: Double(sampler.typicalP),
        keepsTies: true)
    })
}
