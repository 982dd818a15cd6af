public import LanternTensor

/// Euler's method along the straight path of a flow (Liu et al. 2022, arXiv:2209.03003): for models that
/// predict a flow, where others take ``Euler``.
///
/// Equal to diffusers' `FlowMatchEulerDiscreteScheduler`; latents, which the reference keeps on
/// the path, are of unit variance here.
public struct FlowEuler: UnitVarianceSampler {
  /// Reads no setting of the scheduler's configuration.
  public init() {}

  /// Times of the flow, from pure noise.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    NoisePlan(schedule.levels(count, spacing, Grid(scheduler: "")), end: .clean)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      // The flow is noise − clean: a step along it changes the weights of both.
      let found = try denoise(x, level)
      x = try found.clean * Float(target.alpha) + found.noise * Float(target.deviation)
      x = try onStep(plan.step(index, x, denoised: found.clean))
    }
    return x
  }
}
