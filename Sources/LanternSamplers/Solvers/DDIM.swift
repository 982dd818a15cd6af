public import LanternTensor

/// Implicit sampling of a diffusion model (Song et al. 2021, arXiv:2010.02502, equation 12).
///
/// Equal to diffusers' `DDIMScheduler`. That has no curves of sigmas: asked for one, this takes levels
/// between its own first and last, and aims each step at the next.
public struct DDIM: Sampler {
  private let clipping: Clipping
  private let eta: Double

  /// With the clipping that the schedule's file asks for.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: how much of the noise is drawn afresh: 0 is deterministic, 1 is like DDPM.
  public init(_ schedule: NoiseSchedule, eta: Float = 0) {
    clipping = schedule.clipping(for: "DDIMScheduler", default: true)
    self.eta = Double(eta)
  }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Whole timesteps; each step aims a fixed number of them back.
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

extension NoiseSchedule {
  /// A plan of whole timesteps, each step aiming a fixed number of them back.
  func stridedPlan(
    _ count: Int, _ spacing: Spacing?, setsAlphaToOne: Bool, for sampler: String
  ) -> NoisePlan {
    let levels = wholeLevels(
      count, spacing, Grid(scheduler: sampler, standard: .leading, isWhole: true))
    let first = NoiseLevel(timestep: 0, alphaBar: Double(alphaBars[0]))
    let end = setsAlphaToOne || convention == .kDiffusion ? .clean : first
    let isStrided = !(spacing?.isCurve ?? false) && convention == .diffusers
    return unitPlan(levels, end: end, targets: isStrided ? stridedTargets(levels, end: end) : nil)
  }
}
