public import LanternTensor

/// Euler's method to a lower noise level than wanted, and fresh noise up to it (Crowson's
/// k-diffusion, `sample_euler_ancestral` with η = 1).
///
/// Equal to diffusers' `EulerAncestralDiscreteScheduler`, which draws noise in the last step too, and
/// has no Karras spacing: levels are those of ``Euler`` where one asks for it.
public struct EulerAncestral: Sampler {
  /// Takes nothing from the schedule's file.
  public init() {}

  /// Latents are `clean + sigma · noise`.
  public var usesSigma: Bool { true }

  /// Timesteps or Karras' sigmas between the first and last of them.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(
      count, isKarras: spacing == .karras, end: .clean, for: "EulerAncestralDiscreteScheduler")
  }

  /// Draws noise in every step.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      // In f32 like the reference: a first step from very far off leaves little to go down to.
      let (sigma, next) = (Float(level.sigma), Float(plan.targets[index].sigma))
      let up = (next * next * (sigma * sigma - next * next) / (sigma * sigma)).squareRoot()
      let down = max(next * next - up * up, 0).squareRoot()
      let clean = try denoise(x * Float(level.alpha), level).clean
      let slope = try (x - clean) / Tensor(repeating: sigma, shape: [1])
      x = try x + slope * (down - sigma) + noise.normal(x.shape) * up
      x = try onStep(
        Step(
          index: index, count: plan.levels.count, level: level, latent: x, denoised: clean))
    }
    return x
  }
}
