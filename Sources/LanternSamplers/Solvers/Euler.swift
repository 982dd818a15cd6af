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

  /// Timesteps, between those of training where they fall there, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    let isEven = schedule.interpolatesLogarithms && schedule.convention == .diffusers
    let grid = Grid(scheduler: "EulerDiscreteScheduler", spansSchedule: isEven)
    let plan = schedule.sigmaPlan(count, spacing, grid, end: schedule.lastLevel)
    guard !schedule.isContinuous, schedule.convention == .diffusers else { return plan }
    return schedule.retold(isEven ? schedule.evenPlan(plan, spacing) : plan)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let clean = try denoise(x * Float(level.alpha), level).clean
      let slope = try level.slope(at: x, towards: clean)
      x = try x + slope * Float(plan.targets[index].sigma - level.sigma)
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}

extension NoiseSchedule {
  /// The plan with sigmas that are even in their logarithm, of one step more, for `log_linear`;
  /// timesteps stay as they are, and so do sigmas along a curve.
  fileprivate func evenPlan(_ plan: NoisePlan, _ spacing: Spacing?) -> NoisePlan {
    guard !(spacing ?? fileCurve ?? .discrete).isCurve else { return plan }
    let sigmas = Curves.polyexponential(plan.count + 1, over: SigmaTable(self).ends, rho: 1)
    let levels = zip(plan.levels, sigmas).map {
      NoiseLevel(timestep: $0.timestep, sigma: Double(Float($1)))
    }
    let top = plan.levels.map(\.sigma).max() ?? 1
    let isLeading = plan.initialScale > top
    let scale = isLeading ? (sigmas[0] * sigmas[0] + 1).squareRoot() : sigmas[0]
    return NoisePlan(
      levels, end: NoiseLevel(timestep: 0, sigma: Double(Float(sigmas[plan.count]))),
      initialScale: scale)
  }

  /// The plan with a quarter of sigma's logarithm for timesteps, where the file asks for it.
  fileprivate func retold(_ plan: NoisePlan) -> NoisePlan {
    guard hasContinuousTimesteps, let end = plan.targets.last else { return plan }
    let levels = plan.levels.map {
      NoiseLevel(timestep: Float(-0.25 * $0.lambda), alphaBar: $0.alphaBar)
    }
    return NoisePlan(levels, end: end, initialScale: plan.initialScale)
  }

  /// A plan for samplers of the convention `clean + sigma · noise`.
  func sigmaPlan(
    _ count: Int, _ spacing: Spacing?, _ grid: Grid, end: NoiseLevel = .clean
  ) -> NoisePlan {
    let levels = levels(count, spacing, grid)
    let top = levels.map(\.sigma).max() ?? 1
    guard convention == .diffusers else { return NoisePlan(levels, end: .clean, initialScale: top) }
    // The reference adds the clean latent's unit variance for leading timesteps and EDM's alone.
    let asked = spacing.flatMap { $0.isCurve || $0 == .discrete ? nil : $0 }
    let isLeading = (asked ?? fileSpacing ?? .linspace) == .leading || dataDeviation != nil
    return NoisePlan(
      levels, end: end, initialScale: isLeading ? (top * top + 1).squareRoot() : top)
  }
}

extension NoiseLevel {
  /// The slope in sigma of the probability-flow ODE (Karras et al. 2022, equation 3), at a latent
  /// `clean + sigma · noise`.
  func slope(at x: Tensor, towards clean: Tensor) throws(TensorError) -> Tensor {
    try (x - clean) / Tensor(repeating: Float(sigma), shape: [1])
  }
}
