public import LanternTensor

/// Latent consistency sampling: the predicted clean latent, with noise added up to the next level (Luo et al. 2023,
/// arXiv:2310.04378). For models that were distilled for it.
///
/// Equal to diffusers' `LCMScheduler`.
public struct LCM: UnitVarianceSampler {
  private let clipping: Clipping
  private let timestepScaling: Double
  private let maximumSteps: Int

  /// With the clipping and the scaling of the scheduler's configuration.
  public init(_ schedule: NoiseSchedule) {
    clipping = schedule.clipping(for: "LCMScheduler", default: false)
    timestepScaling = schedule.solver.timestepScaling
    maximumSteps = schedule.originalSteps
  }

  /// The number of solver steps of the distillation.
  public func maximumSteps(over schedule: NoiseSchedule) -> Int { maximumSteps }

  /// A subset of the timesteps of distillation.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.distilledPlan(count)
  }

  /// Draws noise in every step but the last.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    let variance = 0.25  // Of clean latents, as consistency models have it.
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let guess = try clipping.applied(to: denoise(x, level).clean)
      let time = Double(level.timestep) * timestepScaling
      let kept = variance / (time * time + variance)
      let changed = time / (time * time + variance).squareRoot()
      let clean = try guess * Float(changed) + x * Float(kept)
      x = clean
      if index < plan.levels.count - 1 {
        x = try clean * Float(target.alpha) + noise.normal(x.shape) * Float(target.deviation)
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
