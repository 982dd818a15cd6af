public import LanternTensor

/// Deterministic sampling of a diffusion model (Song et al. 2021, arXiv:2010.02502, equation 12 with
/// η = 0).
///
/// Equal to diffusers' `DDIMScheduler`, with η = 0. That has no Karras spacing: asked for it, this one
/// takes levels between its own first and last, and aims each step at the next.
public struct DDIM: Sampler {
  private let clipping: Clipping

  /// With the clipping that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) { clipping = schedule.clipping(for: "DDIMScheduler") }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Whole timesteps; each step aims a fixed number of them back.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    let levels = schedule.ancestralLevels(count, spacing: spacing, for: "DDIMScheduler")
    let first = NoiseLevel(timestep: 0, alphaBar: Double(schedule.alphaBars[0]))
    let end = schedule.setsAlphaToOne ? .clean : first
    guard spacing != .karras else { return NoisePlan(levels, end: end) }
    // The reference aims a fixed number of training steps back, wherever the next level lies.
    let stride = Float(schedule.trainingSteps / count)
    let targets = levels.map { level in
      level.timestep < stride ? end : schedule.discreteLevels([level.timestep - stride])[0]
    }
    return NoisePlan(levels, end: end, targets: targets)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let found = try denoise(x, level)
      let clean = try clipping.applied(to: found.clean)
      x = try clean * Float(target.alpha) + found.noise * Float(target.deviation)
      x = try onStep(
        Step(
          index: index, count: plan.levels.count, level: level, latent: x, denoised: clean))
    }
    return x
  }
}
