extension SamplerStep {
  /// Tokens of at least a share of the likeliest one's probability (Nguyen et al. 2024, arXiv:2407.01082).
  static let minP = SamplerStep(
    name: "min_p", isFilter: true, isActive: { $0.minP > 0 },
    apply: { sampler, candidates, _ in
      let probabilities = candidates.probabilities
      let minimum = sampler.minP * (probabilities.max() ?? 0)
      candidates.keep { probabilities[$0] >= minimum }
    })
}
