public import LanternTensor

/// Heun's second-order method along the straight path of a flow: for models that predict a flow,
/// where others take ``Heun``. Two model evaluations a step, but one in the last.
///
/// Equal to diffusers' `FlowMatchHeunDiscreteScheduler`; latents, which the reference keeps on
/// the path, are of unit variance here.
public struct FlowHeun: UnitVarianceSampler {
  /// Reads no setting of the scheduler's configuration.
  public init() {}

  /// Times of the flow, from pure noise.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    FlowEuler().plan(count, over: schedule, spacing: spacing)
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
      let flow = try found.noise - found.clean
      let width = Float(target.flowTime - level.flowTime)
      let straight = try x * Float(level.flowScale)
      var end = try straight + flow * width
      if target.deviation > 0 {
        let there = try denoise(end * Float(1 / target.flowScale), target)
        end = try straight + (flow + (there.noise - there.clean)) * (width / 2)
      }
      x = try onStep(
        plan.step(index, end * Float(1 / target.flowScale), denoised: found.clean))
    }
    return x
  }
}
