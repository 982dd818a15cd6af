public import LanternTensor

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Draws a picture's codes all at once, again and again, each time keeping those it is surest of
/// (MaskGIT, Chang et al. 2022, arXiv:2202.04200), with the guidance and the noise of Show-o's
/// `t2i_generate`.
public struct MaskedImageDecoder: Sendable {
  /// How many times all codes are looked at.
  public var steps: Int
  /// Strength of guidance, Muse's: scores are (1 + guidance) · with − guidance · without the prompt.
  public var guidance: Float
  /// How many codes stay masked after each step.
  public var schedule: MaskSchedule
  /// How much chance decides which codes are kept; falls to 0 over the steps.
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

  /// What a step has done.
  public struct Step {
    /// Its number, from 0.
    public let index: Int
    /// How many steps there are.
    public let count: Int
    /// The best guess at the whole picture.
    public let codes: [Int]
    /// What is kept of it; nil where the next step guesses anew.
    public let kept: [Int?]
  }

  /// Fills in the codes that are not known.
  ///
  /// - Parameters:
  ///   - start: codes of a picture, nil where they are to be drawn.
  ///   - scores: of every code at every place, `[place, code]`, given a picture in the making; with
  ///     the prompt or, for guidance, without it.
  ///   - uniforms: numbers in 0..<1 for all places; asked twice a step, first for which code, then
  ///     for which to keep.
  ///   - onStep: called after each step; throw to stop.
  /// - Returns: all codes; those known at the start are as they were.
  /// - Throws: what `scores` or `onStep` throw.
  public func fill(
    _ start: [Int?], scores: (_ codes: [Int?], _ withPrompt: Bool) throws -> Tensor,
    uniforms: (_ draw: Int) -> [Float], onStep: (Step) throws -> Void = { _ in }
  ) throws -> [Int] {
    var codes = start
    var temperature = temperature
    var guess = start.map { $0 ?? 0 }
    for index in 0..<max(1, steps) {
      guard codes.contains(nil) else { break }
      let probabilities = try guided(codes, scores).softmax().floats()
      let choices = probabilities.count / max(1, codes.count)
      let chance = uniforms(2 * index)
      var confidence = [Float](repeating: log(Float.greatestFiniteMagnitude), count: codes.count)
      for place in codes.indices where codes[place] == nil {
        let row = probabilities[place * choices..<(place + 1) * choices]
        guess[place] = Self.pick(row, chance[place])
        confidence[place] = log(max(row[row.startIndex + guess[place]], 1e-20))
      }
      let done = Float(index + 1) / Float(max(1, steps))
      temperature *= 1 - done
      let noise = uniforms(2 * index + 1)
      for place in codes.indices {
        confidence[place] += temperature * Self.gumbel(noise[place])
      }
      // At least one code is settled in each step, and at least one is left for the next.
      let unknown = codes.count { $0 == nil }
      let wanted = Int((Float(codes.count) * schedule.masked(done)).rounded(.down))
      let masked = min(max(1, min(unknown - 1, wanted)), codes.count - 1)
      let least = confidence.sorted()[masked]
      for place in codes.indices {
        codes[place] = confidence[place] < least ? nil : guess[place]
      }
      try onStep(Step(index: index, count: max(1, steps), codes: guess, kept: codes))
    }
    return guess
  }

  private func guided(
    _ codes: [Int?], _ scores: (_ codes: [Int?], _ withPrompt: Bool) throws -> Tensor
  ) throws -> Tensor {
    let with = try scores(codes, true)
    guard guidance > 0 else { return with }
    return try with.scaled(by: 1 + guidance) - scores(codes, false).scaled(by: guidance)
  }

  /// The first choice at which the probabilities, summed up, exceed a uniform number.
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
