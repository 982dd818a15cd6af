extension SamplerStep {
  /// The nucleus: the likeliest tokens that together have a probability (Holtzman et al. 2019,
  /// arXiv:1904.09751).
  static let topP = SamplerStep(
    name: "top_p", isFilter: true, isActive: { $0.topP < 1 },
    apply: { sampler, candidates, _ in
      candidates.keepLargest(
        candidates.scores, candidates.probabilities, sum: Double(sampler.topP), keepsTies: false)
    })
}
