public import LanternTensor

/// Euler's method on the probability-flow ODE (Karras et al. 2022, arXiv:2206.00364, algorithm 2
/// without churn).
///
/// Equal to diffusers' `EulerDiscreteScheduler`.
public struct Euler: SigmaSampler {
  /// Reads no setting of the scheduler's configuration.
  public init() {}

  /// Timesteps, integers or not, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    let isEven = schedule.settings.interpolatesLogarithms && schedule.convention == .diffusers
    let grid = Grid(scheduler: "EulerDiscreteScheduler", spansSchedule: isEven)
    let plan = schedule.sigmaPlan(count, spacing, grid, end: schedule.lastLevel)
    guard !schedule.isContinuous, schedule.convention == .diffusers else { return plan }
    return schedule.withContinuousTimesteps(isEven ? schedule.logLinearPlan(plan, spacing) : plan)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let clean = try level.denoised(x, with: denoise)
      let slope = try level.derivative(of: x, denoised: clean)
      x = try x + slope * Float(plan.targets[index].sigma - level.sigma)
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
