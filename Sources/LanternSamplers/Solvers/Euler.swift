public import LanternTensor

/// Euler's method on the probability-flow ODE (Karras et al. 2022, arXiv:2206.00364, algorithm 2
/// without churn).
///
/// Equal to diffusers' `EulerDiscreteScheduler`.
public struct Euler: Sampler {
  /// Takes nothing from the schedule's file.
  public init() {}

  /// Latents are `clean + sigma · noise`.
  public var usesSigma: Bool { true }

  /// Timesteps or Karras' sigmas between the first and last of them.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(
      count, isKarras: spacing == .karras || (spacing == nil && schedule.usesKarras),
      end: schedule.lastLevel, for: "EulerDiscreteScheduler")
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let (sigma, next) = (level.sigma, plan.targets[index].sigma)
      let clean = try denoise(x * Float(level.alpha), level).clean
      let slope = try (x - clean) / Tensor(repeating: Float(sigma), shape: [1])
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
  func sigmaPlan(
    _ count: Int, isKarras: Bool, end: NoiseLevel, for sampler: String
  ) -> NoisePlan {
    let table = sigmas
    let steps = timesteps(count, default: "linspace", rounded: false, for: sampler)
    var levels = steps.map {
      NoiseLevel(timestep: $0, sigma: Double(Float(sigma(at: $0, in: table))))
    }
    if isKarras, let first = levels.first, let last = levels.last {
      levels = karrasLevels(count, from: first.sigma, to: last.sigma)
    }
    let top = levels.map(\.sigma).max() ?? 1
    // The reference adds the clean latent's unit variance only for leading timesteps.
    let isLeading = (timestepSpacing ?? "linspace") == "leading"
    return NoisePlan(
      levels, end: end, initialScale: isLeading ? (top * top + 1).squareRoot() : top)
  }
}
