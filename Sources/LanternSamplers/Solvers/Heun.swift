public import LanternTensor

/// Heun's second-order method on the probability-flow ODE (Karras et al. 2022, arXiv:2206.00364,
/// algorithm 1 without churn). Asks the model twice a step, but once in the last.
///
/// Equal to diffusers' `HeunDiscreteScheduler`.
public struct Heun: Sampler {
  private let clipping: Clipping

  /// With the clipping that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) {
    clipping = schedule.clipping(
      for: "HeunDiscreteScheduler", default: false, thresholds: false)
  }

  /// Latents are `clean + sigma · noise`.
  public var usesSigma: Bool { true }

  /// Timesteps, between those of training where they fall there, or a curve of sigmas.
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
      let clean = try clipping.applied(to: denoise(x * Float(level.alpha), level).clean)
      let slope = try level.slope(at: x, towards: clean)
      let width = Float(target.sigma) - Float(level.sigma)
      let end = try x + slope * width
      if target.sigma > 0 {
        let there = try clipping.applied(to: denoise(end * Float(target.alpha), target).clean)
        x = try x + (slope + target.slope(at: end, towards: there)) * (width / 2)
      } else {
        x = end
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
