extension SamplerStep {
  /// "Exclude top choices", of text-generation-webui: with some probability, of all tokens that are likelier than
  /// a threshold only the least likely stays.
  static let xtc = SamplerStep(
    name: "xtc", isFilter: true, isActive: { $0.xtcProbability > 0 && $0.xtcThreshold <= 0.5 },
    apply: { sampler, candidates, context in
      guard context.chance <= sampler.xtcProbability else { return }
      let probabilities = candidates.probabilities
      let top = probabilities.indices.filter { probabilities[$0] >= sampler.xtcThreshold }
        .sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
      let excluded = Set(top.dropLast())
      candidates.keep { !excluded.contains($0) }
    })
}
