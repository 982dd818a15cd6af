extension SamplerStep {
  /// Logits divided by the temperature.
  static let temperature = SamplerStep(
    name: "temperature", isFilter: false, isActive: { $0.temperature > 0 },
    apply: { sampler, candidates, _ in
      for index in candidates.scores.indices { candidates.scores[index] /= sampler.temperature }
    })
}
