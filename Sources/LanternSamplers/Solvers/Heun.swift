public import LanternTensor

/// Heun's second-order method on the probability-flow ODE (Karras et al. 2022, arXiv:2206.00364,
/// algorithm 1 without churn). Two model evaluations a step, but one in the last.
///
/// Equal to diffusers' `HeunDiscreteScheduler`.
public struct Heun: SigmaSampler {
  private let clipping: Clipping

  /// With the clipping of the scheduler's configuration.
  public init(_ schedule: NoiseSchedule) {
    clipping = schedule.clipping(
      for: "HeunDiscreteScheduler", default: false, thresholds: false)
  }

  /// Timesteps, integers or not, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(count, spacing, Grid(scheduler: "HeunDiscreteScheduler"))
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let clean = try clipping.applied(to: level.denoised(x, with: denoise))
      let slope = try level.derivative(of: x, denoised: clean)
      let width = Float(target.sigma) - Float(level.sigma)
      let end = try x + slope * width
      if target.sigma > 0 {
        let there = try clipping.applied(to: target.denoised(end, with: denoise))
        x = try x + (slope + target.derivative(of: end, denoised: there)) * (width / 2)
      } else {
        x = end
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
