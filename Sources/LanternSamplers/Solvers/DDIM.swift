public import LanternTensor

/// Implicit sampling of a diffusion model (Song et al. 2021, arXiv:2010.02502, equation 12).
///
/// Equal to diffusers' `DDIMScheduler`. The reference has no curves of sigmas: with one, levels lie between
/// the first and last of the integer timesteps, and each step ends at the next.
public struct DDIM: UnitVarianceSampler {
  private let clipping: Clipping
  private let eta: Double

  /// With the clipping of the scheduler's configuration.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of fresh noise: 0 is deterministic, 1 is like DDPM.
  public init(_ schedule: NoiseSchedule, eta: Float = 0) {
    clipping = schedule.clipping(for: "DDIMScheduler", default: true)
    self.eta = Double(eta)
  }

  /// Integer timesteps; each step ends a fixed number of training steps below.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.stridedPlan(
      count, spacing, setsAlphaToOne: schedule.solver.setsAlphaToOne ?? true, for: "DDIMScheduler")
  }

  /// Draws noise in every step, unless `eta` is 0.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let found = try denoise(x, level)
      let clean = try clipping.applied(to: found.clean)
      let (bar, next) = (level.alphaBar, target.alphaBar)
      let up = eta * max((1 - next) / (1 - bar) * (1 - bar / next), 0).squareRoot()
      let kept = max(1 - next - up * up, 0).squareRoot()
      x = try clean * Float(target.alpha) + found.noise * Float(kept)
      if eta > 0 { x = try x + noise.normal(x.shape) * Float(up) }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
