public import LanternTensor

/// Ancestral sampling, the diffusion model's own (Ho et al. 2020, arXiv:2006.11239, algorithm 2).
///
/// Equal to diffusers' `DDPMScheduler`, which has no curves of sigmas: with one, levels lie between the
/// first and last of the integer timesteps.
public struct DDPM: UnitVarianceSampler {
  private let clipping: Clipping
  private let varianceType: String

  /// With the clipping and the variance of the scheduler's configuration.
  public init(_ schedule: NoiseSchedule) {
    clipping = schedule.clipping(for: "DDPMScheduler", default: true)
    varianceType = schedule.solver.varianceType
  }

  /// Integer timesteps.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    let levels = schedule.integerLevels(
      count, spacing, Grid(scheduler: "DDPMScheduler", defaultSpacing: .leading, isInteger: true))
    return schedule.unitVariancePlan(levels, end: .clean)
  }

  /// Draws noise in each step but that of timestep 0.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let clean = try clipping.applied(to: denoise(x, level).clean)
      // In f32 like the reference: over many steps β is small enough for its rounding to show.
      let (bar, next) = (Float(level.alphaBar), Float(plan.targets[index].alphaBar))
      let alpha = bar / next
      let beta = 1 - alpha
      let share = (1 - next) / (1 - bar)
      // The mean of the posterior, equation 7.
      x = try clean * (next.squareRoot() * beta / (1 - bar)) + x * (alpha.squareRoot() * share)
      if level.timestep > 0 {
        x = try x + noise.normal(x.shape) * deviation(beta, shrunk: share)
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }

  /// Standard deviation of the noise that a step adds.
  private func deviation(_ beta: Float, shrunk share: Float) -> Float {
    switch varianceType {
    case "fixed_large": beta.squareRoot()
    default: max(share * beta, 1e-20).squareRoot()
    }
  }
}
