public import LanternTensor

/// Consistency sampling: the clean latent of each answer, made noisy again (Luo et al. 2023,
/// arXiv:2310.04378). For models that were distilled for it.
///
/// Equal to diffusers' `LCMScheduler`.
public struct LCM: Sampler {
  private let clipping: Clipping
  private let timestepScaling: Double
  private let most: Int

  /// With the clipping and the scaling that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) {
    clipping = schedule.clipping(for: "LCMScheduler", default: false)
    timestepScaling = schedule.solver.timestepScaling
    most = schedule.originalSteps
  }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// As many as the steps of the solver that the model was distilled with.
  public func mostSteps(over schedule: NoiseSchedule) -> Int { most }

  /// Some of the timesteps of distillation.
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

extension NoiseSchedule {
  /// Evenly chosen timesteps of those that a model was distilled with, noisiest first.
  func distilledPlan(_ count: Int, end: NoiseLevel = .clean) -> NoisePlan {
    let stride = trainingSteps / originalSteps
    let steps = (0..<count).map { index in
      Float((originalSteps - index * originalSteps / count) * stride - 1)
    }
    return NoisePlan(discreteLevels(steps), end: end)
  }
}
