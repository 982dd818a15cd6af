public import LanternTensor

/// Pseudo linear multistep method with the factors of evenly spaced steps, fourth order, without a
/// warm-up (Zhang & Chen 2023, arXiv:2204.13902, section 5; Liu et al. 2022, arXiv:2202.09778).
///
/// Equal to diffusers' `IPNDMScheduler` on the noise schedule of that class; here on any.
public struct IPNDM: UnitVarianceSampler {
  /// Reads no setting of the scheduler's configuration.
  public init() {}

  /// Timesteps, integers or not, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    let levels = schedule.levels(count, spacing, Grid(scheduler: "IPNDMScheduler"))
    return schedule.unitVariancePlan(levels, end: .clean)
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
      history = Array(([found.noise] + history).prefix(AdamsBashforth.order))
      let mixed = try AdamsBashforth.combined(history)
      let clean = try level.clean(of: x, noise: mixed)
      x = try clean * Float(target.alpha) + mixed * Float(target.deviation)
      x = try onStep(plan.step(index, x, denoised: found.clean))
    }
    return x
  }
}
