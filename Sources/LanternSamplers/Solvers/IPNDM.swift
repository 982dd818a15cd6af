public import LanternTensor

/// Pseudo linear multistep method with the factors of evenly spaced steps, fourth order, without a
/// warm-up (Zhang & Chen 2023, arXiv:2204.13902, section 5; Liu et al. 2022, arXiv:2202.09778).
///
/// Equal to diffusers' `IPNDMScheduler` on that one's own noise schedule; here on any.
public struct IPNDM: Sampler {
  /// Factors of the slopes, newest first, by how many there are.
  static let factors: [[Float]] = [
    [1], [3.0 / 2, -1.0 / 2], [23.0 / 12, -16.0 / 12, 5.0 / 12],
    [55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24],
  ]

  /// Takes nothing from the schedule's file.
  public init() {}

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Timesteps, between those of training where they fall there, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    let levels = schedule.levels(count, spacing, Grid(scheduler: "IPNDMScheduler"))
    return schedule.unitPlan(levels, end: .clean)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var history: [Tensor] = []
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let found = try denoise(x, level)
      history = Array(([found.noise] + history).prefix(Self.factors.count))
      let mixed = try Self.mixed(history)
      let clean = try level.clean(of: x, noise: mixed)
      x = try clean * Float(target.alpha) + mixed * Float(target.deviation)
      x = try onStep(plan.step(index, x, denoised: found.clean))
    }
    return x
  }

  /// Slopes, newest first and at most four, mixed into one.
  static func mixed(_ slopes: [Tensor]) throws(TensorError) -> Tensor {
    var sum = try slopes[0] * factors[slopes.count - 1][0]
    for (factor, slope) in zip(factors[slopes.count - 1], slopes).dropFirst() {
      sum = try sum + slope * factor
    }
    return sum
  }
}

extension NoiseSchedule {
  /// A plan for samplers of unit variance.
  func unitPlan(
    _ levels: [NoiseLevel], end: NoiseLevel, targets: [NoiseLevel]? = nil
  ) -> NoisePlan {
    // k-diffusion begins with noise alone, where the latent's variance has a share of clean too.
    let scale = convention == .kDiffusion ? levels.first?.deviation ?? 1 : 1
    return NoisePlan(levels, end: end, targets: targets, initialScale: scale)
  }
}

extension NoiseLevel {
  /// The clean latent in a latent of unit variance, given its noise.
  func clean(of x: Tensor, noise: Tensor) throws(TensorError) -> Tensor {
    try (x - noise * Float(deviation)) * Float(1 / max(alpha, 0x1p-12))
  }
}
