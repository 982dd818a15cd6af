public import LanternTensor

/// Pseudo numerical method of fourth order (Liu et al. 2022, arXiv:2202.09778), with the linear
/// multistep part alone, as Stable Diffusion's PLMS: the first step asks the model twice.
///
/// Equal to diffusers' `PNDMScheduler` with `skip_prk_steps`.
public struct PNDM: Sampler {
  private let schedule: NoiseSchedule

  /// With the last level that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) { self.schedule = schedule }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Whole timesteps; each step aims a fixed number of them back.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.stridedPlan(
      count, spacing, setsAlphaToOne: schedule.setsAlphaToOne ?? false, for: "PNDMScheduler")
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var history: [Tensor] = []
    for (index, level) in plan.levels.enumerated() {
      let found = try denoise(x, level)
      var from = level
      var target = plan.targets[index]
      var mixed: Tensor
      let asked = try output(found, level)
      history = Array(([asked] + history).prefix(IPNDM.factors.count))
      if index == 0, plan.levels.count > 1 {
        // The improved Euler method: there and, with what is found there, once more.
        let ahead = try moved(x, asked, from: level, to: target)
        let next = plan.levels[1]
        let there = try output(denoise(ahead, next), next)
        mixed = try (asked + there) * 0.5
        // The reference measures this step back from the next level.
        (from, target) = (above(next, from: level, to: target, in: plan), next)
      } else {
        mixed = try IPNDM.mixed(history)
      }
      x = try moved(x, mixed, from: from, to: target)
      x = try onStep(plan.step(index, x, denoised: found.clean))
    }
    return x
  }

  /// The level a whole step above another; on levels that are not training steps, the plan's own.
  private func above(
    _ next: NoiseLevel, from level: NoiseLevel, to target: NoiseLevel, in plan: NoisePlan
  ) -> NoiseLevel {
    guard target != next else { return level }
    let stride = Float(schedule.trainingSteps / plan.count)
    return schedule.discreteLevels([next.timestep + stride])[0]
  }

  /// What the model said, which is what gets mixed.
  private func output(_ found: Denoised, _ level: NoiseLevel) throws(TensorError) -> Tensor {
    guard schedule.prediction == .velocity else { return found.noise }
    return try found.noise * Float(level.alpha) - found.clean * Float(level.deviation)
  }

  private func moved(
    _ x: Tensor, _ output: Tensor, from level: NoiseLevel, to target: NoiseLevel
  ) throws(TensorError) -> Tensor {
    let (alpha, deviation) = (Float(level.alpha), Float(level.deviation))
    let noise =
      schedule.prediction == .velocity ? try output * alpha + x * deviation : output
    let clean = try level.clean(of: x, noise: noise)
    return try clean * Float(target.alpha) + noise * Float(target.deviation)
  }
}
