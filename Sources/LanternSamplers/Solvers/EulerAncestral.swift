public import LanternTensor

/// Euler's method to a lower noise level than wanted, and fresh noise up to it (Crowson's
/// k-diffusion, `sample_euler_ancestral`).
///
/// Equal to diffusers' `EulerAncestralDiscreteScheduler`, which draws noise in the last step too.
public struct EulerAncestral: Sampler {
  private let eta: Float

  /// Takes nothing from the schedule's file.
  ///
  /// - Parameter eta: share of the noise that is drawn afresh.
  public init(eta: Float = 1) { self.eta = eta }

  /// Latents are `clean + sigma · noise`.
  public var usesSigma: Bool { true }

  /// Timesteps, between those of training where they fall there, or a curve of sigmas.
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
      let (down, up) = level.ancestral(to: plan.targets[index], eta: eta)
      let clean = try denoise(x * Float(level.alpha), level).clean
      let slope = try level.slope(at: x, towards: clean)
      x = try x + slope * (down - Float(level.sigma)) + noise.normal(x.shape) * up
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}

extension NoiseLevel {
  /// The sigma to step down to, and the fresh noise that leads up to a target.
  ///
  /// In f32 like the references: a first step from very far off leaves little to go down to.
  func ancestral(to target: NoiseLevel, eta: Float) -> (down: Float, up: Float) {
    let (sigma, next) = (Float(sigma), Float(target.sigma))
    // A step that rounding has turned round has no noise to draw.
    let share = max(sigma * sigma - next * next, 0) / (sigma * sigma)
    let most = (next * next * share).squareRoot()
    let up = min(next, eta * most)
    return (max(next * next - up * up, 0).squareRoot(), up)
  }
}
