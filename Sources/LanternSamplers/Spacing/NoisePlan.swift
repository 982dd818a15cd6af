/// The noise levels of one run: each step starts at a level and ends at its target, usually the next level.
public struct NoisePlan: Sendable, Equatable {
  /// The level at which each step starts, noisiest first.
  public private(set) var levels: [NoiseLevel]
  /// The levels of the steps that were dropped, noisiest first.
  public private(set) var dropped: [NoiseLevel] = []
  /// The level at which each step ends: the next step's, unless the reference differs.
  public private(set) var targets: [NoiseLevel]
  /// Factor of the initial unit noise: diffusers' `init_noise_sigma`.
  public let initialScale: Double
  /// Number of steps of the whole plan, those dropped included.
  public let count: Int

  /// A plan that begins from pure noise.
  ///
  /// - Parameters:
  ///   - levels: the level at which each step starts, noisiest first.
  ///   - end: the level at which the last step ends.
  ///   - targets: the level at which each step ends; the following one when nil.
  ///   - initialScale: factor of the initial unit noise.
  public init(
    _ levels: [NoiseLevel], end: NoiseLevel, targets: [NoiseLevel]? = nil, initialScale: Double = 1
  ) {
    self.levels = levels
    self.targets = targets ?? Array(levels.dropFirst()) + [end]
    self.initialScale = initialScale
    count = levels.count
  }

  /// The plan without its first steps, for image-to-image; at least one step is left.
  public func dropping(_ steps: Int) -> NoisePlan {
    var rest = self
    let fewer = min(max(steps, 0), max(levels.count - 1, 0))
    rest.dropped += rest.levels.prefix(fewer)
    rest.levels.removeFirst(fewer)
    rest.targets.removeFirst(fewer)
    return rest
  }

  /// The last steps of the plan, for image-to-image of a strength: 1 redraws the picture.
  ///
  /// As in diffusers' `StableDiffusionImg2ImgPipeline.get_timesteps`, the product of steps and strength is
  /// rounded down; with `roundsUp` it is rounded up, as in those of flows.
  ///
  /// - Parameters:
  ///   - strength: share of the steps that are taken, 0 to 1.
  ///   - steps: the requested number of steps, of which the plan may have fewer.
  ///   - roundsUp: whether a share of a step is taken as a whole.
  /// - Returns: nil where no step is left.
  public func suffix(strength: Double, of steps: Int, roundsUp: Bool = false) -> NoisePlan? {
    guard strength > 0 else { return nil }
    let share = Double(steps) * min(strength, 1)
    let taken = roundsUp ? steps - Int(Double(steps) - share) : min(Int(share), steps)
    return taken > 0 ? dropping(levels.count - min(taken, levels.count)) : nil
  }
}
