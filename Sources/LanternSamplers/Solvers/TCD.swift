public import LanternTensor

/// Trajectory consistency sampling: a step below the next level and noise up to it (Zheng
/// et al. 2024, arXiv:2402.19159). For models that were distilled for it.
///
/// Equal to diffusers' `TCDScheduler`.
public struct TCD: UnitVarianceSampler {
  private let schedule: NoiseSchedule
  private let eta: Float

  /// With the timesteps of the scheduler's configuration.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: the paper's γ: 0 is deterministic, 1 steps to the clean latent each time; it
  ///     advises 0.3.
  public init(_ schedule: NoiseSchedule, eta: Float = 0) {
    self.schedule = schedule
    self.eta = eta
  }

  /// The number of solver steps of the distillation.
  public func maximumSteps(over schedule: NoiseSchedule) -> Int { schedule.originalSteps }

  /// A subset of the timesteps of distillation.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.distilledPlan(count, end: schedule.discreteLevels([0])[0])
  }

  /// Draws noise in every step but the last, unless `eta` is 0.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let isLast = index == plan.levels.count - 1
      let next = isLast ? 0 : plan.levels[index + 1].timestep
      let jump = schedule.discreteLevels([((1 - eta) * next).rounded(.down)])[0]
      let found = try denoise(x, level)
      let clean = found.clean
      x = try clean * Float(jump.alpha) + found.noise * Float(jump.deviation)
      if eta > 0, !isLast {
        let share = plan.levels[index + 1].alphaBar / jump.alphaBar
        x =
          try x * Float(share.squareRoot())
          + noise.normal(x.shape) * Float(max(1 - share, 0).squareRoot())
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
