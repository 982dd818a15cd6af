import LanternPlatform
public import LanternTensor

/// The iterative decoder of masked image tokens: each step predicts all codes in parallel and keeps those of
/// highest confidence (MaskGIT, Chang et al. 2022, arXiv:2202.04200), with guidance and noise of Show-o's
/// `t2i_generate`.
public struct MaskedImageDecoder: Sendable {
  /// Number of steps.
  public var steps: Int
  /// Guidance scale of Muse: logits are (1 + guidance) · with − guidance · without the prompt.
  public var guidance: Float
  /// The share of codes that is masked after each step.
  public var schedule: MaskSchedule
  /// Temperature of the noise on confidence; falls to 0 over the steps.
  public var temperature: Float

  /// A decoder.
  public init(
    steps: Int, guidance: Float, schedule: MaskSchedule = .cosine, temperature: Float = 1
  ) {
    self.steps = steps
    self.guidance = guidance
    self.schedule = schedule
    self.temperature = temperature
  }

  /// The state after a step.
  public struct Step {
    /// Index of the step, from 0.
    public let index: Int
    /// Number of steps.
    public let count: Int
    /// The predicted codes of the whole picture.
    public let codes: [Int]
    /// The codes that are kept; nil where masked.
    public let kept: [Int?]
  }

  /// Predicts the masked codes.
  ///
  /// - Parameters:
  ///   - start: codes of a picture, nil where masked.
  ///   - scores: logits `[position, code]` of the masked positions alone, in their order, given partly
  ///     masked codes: with the prompt and, for guidance, without it.
  ///   - uniforms: numbers in 0..<1 for all positions; called twice a step, first to sample codes, then
  ///     for the noise on confidence.
  ///   - onStep: called after each step; throw to stop.
  /// - Returns: all codes; those known at the start are as they were.
  /// - Throws: what `scores` or `onStep` throw.
  public func fill(
    _ start: [Int?],
    scores: (_ codes: [Int?], _ masked: [Int]) throws -> (with: Tensor, without: Tensor?),
    uniforms: (_ draw: Int) -> [Float], onStep: (Step) throws -> Void = { _ in }
  ) throws -> [Int] {
    var codes = start
    var temperature = temperature
    var guess = start.map { $0 ?? 0 }
    for index in 0..<max(1, steps) {
      let unknown = codes.indices.filter { codes[$0] == nil }
      guard !unknown.isEmpty else { break }
      let (with, without) = try scores(codes, unknown)
      let probabilities = try guided(with, without).softmax().floats()
      let choices = probabilities.count / unknown.count
      let chance = uniforms(2 * index)
      var confidence = [Float](repeating: log(Float.greatestFiniteMagnitude), count: codes.count)
      for (number, position) in unknown.enumerated() {
        let row = probabilities[number * choices..<(number + 1) * choices]
        guess[position] = Self.pick(row, chance[position])
        confidence[position] = log(max(row[row.startIndex + guess[position]], 1e-20))
      }
      let done = Float(index + 1) / Float(max(1, steps))
      temperature *= 1 - done
      let noise = uniforms(2 * index + 1)
      for position in codes.indices {
        confidence[position] += temperature * Self.gumbel(noise[position])
      }
      // At least one code is kept in each step, and at least one is masked for the next.
      let wanted = Int((Float(codes.count) * schedule.masked(done)).rounded(.down))
      let masked = min(max(1, min(unknown.count - 1, wanted)), codes.count - 1)
      let minimum = confidence.sorted()[masked]
      for position in codes.indices {
        codes[position] = confidence[position] < minimum ? nil : guess[position]
      }
      try onStep(Step(index: index, count: max(1, steps), codes: guess, kept: codes))
    }
    return guess
  }

  private func guided(_ with: Tensor, _ without: Tensor?) throws -> Tensor {
    guard guidance > 0, let without else { return with }
    return try with.scaled(by: 1 + guidance) - without.scaled(by: guidance)
  }

  /// The index at which the cumulative probability exceeds a uniform number.
  static func pick(_ probabilities: some BidirectionalCollection<Float>, _ uniform: Float) -> Int {
    let total = probabilities.reduce(0.0) { $0 + Double($1) }
    var sum = 0.0
    for (choice, probability) in probabilities.enumerated() {
      sum += Double(probability)
      if sum > Double(uniform) * total { return choice }
    }
    return max(0, probabilities.count - 1)
  }

  private static func gumbel(_ uniform: Float) -> Float {
    -log(max(-log(max(uniform, 1e-20)), 1e-20))
  }
}
