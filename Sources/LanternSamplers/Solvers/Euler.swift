public import LanternTensor

/// Euler's method on the probability-flow ODE (Karras et al. 2022, arXiv:2206.00364, algorithm 2
/// without churn).
///
/// Equal to diffusers' `EulerDiscreteScheduler`.
public struct Euler: Sampler {
  /// Takes nothing from the schedule's file.
  public init() {}

  public var usesSigma: Bool { true }

  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(count, spacing: spacing)
  }

  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let (sigma, next) = (level.sigma, plan.targets[index].sigma)
      let clean = try denoise(x * Float(level.alpha), level).clean
      let slope = try (x - clean) * Float(1 / sigma)
      x = try x + slope * Float(next - sigma)
      x = try onStep(
        Step(
          index: index, count: plan.levels.count, level: level, latent: x, denoised: clean))
    }
    return x
  }
}

extension NoiseSchedule {
  /// Levels as diffusers' Euler samplers space them: between training steps where linspace falls
  /// there, and Karras' sigmas between the ends of these.
  func sigmaPlan(_ count: Int, spacing: Spacing?) -> NoisePlan {
    let table = sigmas
    let steps = timesteps(count, default: "linspace", rounded: false)
    var levels = steps.map {
      NoiseLevel(timestep: $0, sigma: Double(Float(sigma(at: $0, in: table))))
    }
    if spacing == .karras || (spacing == nil && usesKarras), let first = levels.first,
      let last = levels.last
    {
      levels = karrasLevels(count, from: first.sigma, to: last.sigma, rounded: false)
    }
    let end = finalSigmaIsZero ? NoiseLevel.clean : NoiseLevel(timestep: 0, sigma: table[0])
    let top = levels.map(\.sigma).max() ?? 1
    // The reference adds the clean latent's unit variance only for leading timesteps.
    let isLeading = (timestepSpacing ?? "linspace") == "leading"
    return NoisePlan(
      levels, end: end, initialScale: isLeading ? (top * top + 1).squareRoot() : top)
  }
}
