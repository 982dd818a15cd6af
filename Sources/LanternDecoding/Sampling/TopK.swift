extension SamplerStep {
  /// Only so many of the likeliest tokens, and those that are as likely as the last of them.
  static let topK = SamplerStep(
    name: "top_k", isFilter: true, isActive: { $0.topK > 0 },
    apply: { sampler, candidates, _ in
      guard sampler.topK < candidates.ids.count else { return }
      candidates.keepLargest(
        candidates.scores, [Float](repeating: 1, count: candidates.ids.count),
        sum: Double(sampler.topK), keepsTies: true)
    })
}
