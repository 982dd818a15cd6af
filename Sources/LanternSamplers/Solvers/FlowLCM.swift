public import LanternTensor

/// Consistency sampling over a flow (sCM; Lu & Song 2024, arXiv:2410.11081): the predicted clean latent, with noise added
/// up to the next level. For flows that were distilled for it, where others take ``LCM``.
///
/// Equal to diffusers' `SCMScheduler` with SANA-Sprint's pipeline, but for the latents' scale.
public struct FlowLCM: UnitVarianceSampler {
  /// Reads no setting of the scheduler's configuration.
  public init() {}

  /// Times of the schedule.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    NoisePlan(schedule.levels(count, spacing, Grid(scheduler: "SCMScheduler")), end: .clean)
  }

  /// Draws noise in every step but the last.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let clean = try denoise(x, level).clean
      let target = plan.targets[index]
      x = clean
      if index < plan.levels.count - 1 {
        x = try clean * Float(target.alpha) + noise.normal(x.shape) * Float(target.deviation)
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
