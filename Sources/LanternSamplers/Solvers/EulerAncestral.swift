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
    schedule.sigmaPlan(count, isKarras: spacing == .karras, end: .clean)
  }

  /// Draws noise in every step.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let (sigma, next) = (level.sigma, plan.targets[index].sigma)
      let up = next * ((sigma * sigma - next * next) / (sigma * sigma)).squareRoot()
      let down = (next * next - up * up).squareRoot()
      let clean = try denoise(x * Float(level.alpha), level).clean
      let slope = try (x - clean) * Float(1 / sigma)
      x = try x + slope * Float(down - sigma) + noise.normal(x.shape) * Float(up)
      x = try onStep(
        Step(
          index: index, count: plan.levels.count, level: level, latent: x, denoised: clean))
    }
    return x
  }
}
