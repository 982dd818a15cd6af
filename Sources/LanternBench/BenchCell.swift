import LanternEvaluation
package import LanternLayers

/// A sampler with a schedule, a guidance, a number of steps and a cache, and what was measured of it.
package struct BenchCell: Sendable, Equatable {
  package let sampler: String
  /// The schedule's name; nil for the model's own.
  package let schedule: String?
  /// Guidance scale; nil for the model's own.
  package let guidance: Float?
  package let steps: Int
  /// How features are reused from step to step; nil for not at all.
  package let cache: StepCache?
  /// Number of evaluations of the model for a picture.
  package var calls = 0
  /// Of each picture, from the prompt to the pixels; all prompts in their order, each with all seeds.
  package var seconds: [Double] = []
  /// Of each picture's latent to the converged one, against its length.
  package var distances: [Double] = []
  /// Of each picture to the converged one, PSNR in decibels.
  package var decibels: [Double] = []
  /// Of each picture, whether it shows what its prompt says; nil where no judge could tell.
  package var right: [Bool?] = []
  /// Fréchet distance of the judge's features of all pictures to those of rendered scenes; it falls
  /// with the number of pictures too.
  package var frechet: Double?
  /// Why it cannot be drawn; nil where it can.
  package var refusal: String?

  package init(
    sampler: String, schedule: String?, guidance: Float?, steps: Int, cache: StepCache? = nil
  ) {
    self.sampler = sampler
    self.schedule = schedule
    self.guidance = guidance
    self.steps = steps
    self.cache = cache
  }

  /// The sampler, the schedule, the guidance and the cache.
  package var label: String {
    sampler + (schedule.map { " \($0)" } ?? "")
      + (guidance.map { " g \(Plot.short(Double($0)))" } ?? "")
      + (cache.map { " \($0.text)" } ?? "")
  }
  /// The steps and the sampler, in words.
  var words: String { "\(steps) steps of \(label)" }
  /// Its unique name: `euler-karras-8`, `euler-8-g2.5`, `euler-8-deepcache-2`.
  package var name: String {
    "\(sampler)\(schedule.map { "-\($0)" } ?? "")-\(steps)\(guidance.map { "-g\($0)" } ?? "")"
      + (cache.map { "-\($0.method.name)-\($0.interval)" } ?? "")
  }
  /// Its first picture, from the bench's folder.
  package var picturePath: String { "pictures/\(name).png" }

  /// The median of the seconds; nil of none.
  package var medianSeconds: Double? { Statistics.median(seconds) }
  /// The median of the distances; nil of none.
  package var medianDistance: Double? { Statistics.median(distances) }
  /// The mean of the decibels; nil of none.
  package var meanDecibels: Double? { Statistics.mean(decibels) }
  /// Pictures that could be judged, and those of them that show what their prompts say.
  package var judged: (right: Int, count: Int) {
    let answers = right.compactMap { $0 }
    return (answers.count { $0 }, answers.count)
  }
  /// Share of pictures that show what their prompts say; nil without a judge.
  package var accuracy: Double? {
    let (right, count) = judged
    return count == 0 ? nil : Double(right) / Double(count)
  }
  /// Where that share lies, 95 %.
  package var accuracyInterval: ClosedRange<Double>? {
    Statistics.shareInterval(judged.right, of: judged.count)
  }
}
