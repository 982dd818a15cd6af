public import LanternTensor

/// Ancestral Euler's method: a step below the target level, and fresh noise up to it (Crowson's
/// k-diffusion, `sample_euler_ancestral`).
///
/// Equal to diffusers' `EulerAncestralDiscreteScheduler`, which draws noise in the last step too.
public struct EulerAncestral: SigmaSampler {
  private let eta: Float

  /// Reads no setting of the scheduler's configuration.
  ///
  /// - Parameter eta: share of fresh noise.
  public init(eta: Float = 1) { self.eta = eta }

  /// Timesteps, integers or not, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    // The reference does not know the file's curves.
    schedule.sigmaPlan(
      count, spacing ?? .discrete, Grid(scheduler: "EulerAncestralDiscreteScheduler"))
  }

  /// Draws noise in every step.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let (down, up) = level.ancestralStep(to: plan.targets[index], eta: eta)
      let clean = try level.denoised(x, with: denoise)
      let slope = try level.derivative(of: x, denoised: clean)
      x = try x + slope * (down - Float(level.sigma)) + noise.normal(x.shape) * up
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
