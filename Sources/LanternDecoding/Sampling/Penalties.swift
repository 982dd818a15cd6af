extension SamplerStep {
  /// Repetition penalty (Keskar et al. 2019, arXiv:1909.05858), then frequency and presence penalties as the
  /// interface of OpenAI has them, over the same tokens, as llama.cpp does.
  static let penalties = SamplerStep(
    name: "penalties", isFilter: false,
    isActive: {
      $0.repetitionWindow != 0
        && ($0.repetitionPenalty != 1 || $0.frequencyPenalty != 0 || $0.presencePenalty != 0)
    },
    apply: { sampler, candidates, context in
      let window = sampler.repetitionWindow
      let past = window < 0 ? context.past[...] : context.past.suffix(window)
      var counts: [Int: Int] = [:]
      for token in past { counts[token, default: 0] += 1 }
      for (index, id) in candidates.ids.enumerated() {
        guard let count = counts[id] else { continue }
        let penalty = sampler.repetitionPenalty
        let score = candidates.scores[index]
        candidates.scores[index] =
          (score < 0 ? score * penalty : score / penalty)
          - (Float(count) * sampler.frequencyPenalty + sampler.presencePenalty)
      }
    })
}
