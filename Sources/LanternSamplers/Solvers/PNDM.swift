public import LanternTensor

/// Pseudo numerical method of fourth order (Liu et al. 2022, arXiv:2202.09778), with the linear
/// multistep part alone, as Stable Diffusion's PLMS: the first step evaluates the model twice. Where
/// the configuration is of this class and does not skip them, the first three steps are Runge and Kutta's,
/// of four evaluations each.
///
/// Equal to diffusers' `PNDMScheduler`, which with the Runge-Kutta steps takes no fewer than four.
public struct PNDM: UnitVarianceSampler {
  private let schedule: NoiseSchedule
  private let warmsUp: Bool

  /// With the last level of the scheduler's configuration.
  public init(_ schedule: NoiseSchedule) {
    self.schedule = schedule
    let isOwn = schedule.schedulerClass == "PNDMScheduler"
    warmsUp =
      !(schedule.solver.skipsWarmUp ?? !isOwn) && !schedule.fillsHoles
      && schedule.convention == .diffusers
  }

  /// Integer timesteps; each step ends a fixed number of training steps below.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.stridedPlan(
      count, spacing, setsAlphaToOne: schedule.solver.setsAlphaToOne ?? false, for: "PNDMScheduler")
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var history: [Tensor] = []
    let isWhole = plan.levels.prefix(4).allSatisfy { $0.timestep == $0.timestep.rounded() }
    let beginning = warmsUp && isWhole && plan.levels.count > 3 ? 3 : 0
    for (index, level) in plan.levels.enumerated() {
      let found = try denoise(x, level)
      if index < beginning {
        let newest = try output(found, level)
        history.insert(newest, at: 0)
        let mixed = try warmUp(x, newest, from: level, to: plan.levels[index + 1], plan, denoise)
        x = try moved(x, mixed, from: level, to: plan.levels[index + 1])
        x = try onStep(plan.step(index, x, denoised: found.clean))
        continue
      }
      var from = level
      var target = plan.targets[index]
      var mixed: Tensor
      let newest = try output(found, level)
      history = Array(([newest] + history).prefix(AdamsBashforth.order))
      if index == 0, plan.levels.count > 1 {
        // The improved Euler method.
        let ahead = try moved(x, newest, from: level, to: target)
        let next = plan.levels[1]
        let there = try output(denoise(ahead, next), next)
        mixed = try (newest + there) * 0.5
        // The reference measures this step back from the next level.
        (from, target) = (above(next, from: level, to: target, in: plan), next)
      } else {
        mixed = try AdamsBashforth.combined(history)
      }
      x = try moved(x, mixed, from: from, to: target)
      x = try onStep(plan.step(index, x, denoised: found.clean))
    }
    return x
  }

  /// The prediction of Runge and Kutta's method of fourth order, given the first of its four.
  private func warmUp(
    _ x: Tensor, _ first: Tensor, from level: NoiseLevel, to target: NoiseLevel, _ plan: NoisePlan,
    _ denoise: Denoise
  ) throws -> Tensor {
    let half = Float(schedule.trainingSteps / plan.count / 2)
    let middle = schedule.discreteLevels([target.timestep + half])[0]
    let below = schedule.discreteLevels([level.timestep - half])[0]
    let second = try output(denoise(moved(x, first, from: level, to: below), middle), middle)
    let third = try output(denoise(moved(x, second, from: level, to: middle), middle), middle)
    let fourth = try output(denoise(moved(x, third, from: level, to: target), target), target)
    return try first * (1.0 / 6) + second * (1.0 / 3) + third * (1.0 / 3) + fourth * (1.0 / 6)
  }

  /// The level one stride above another; on levels that are not training steps, that of the plan.
  private func above(
    _ next: NoiseLevel, from level: NoiseLevel, to target: NoiseLevel, in plan: NoisePlan
  ) -> NoiseLevel {
    guard target != next else { return level }
    let stride = Float(schedule.trainingSteps / plan.count)
    return schedule.discreteLevels([next.timestep + stride])[0]
  }

  /// The model's raw prediction, of which the multistep method takes linear combinations.
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
