public import LanternTensor

/// Ancestral sampling, the diffusion model's own (Ho et al. 2020, arXiv:2006.11239, algorithm 2).
///
/// Equal to diffusers' `DDPMScheduler`, which has no Karras spacing.
public struct DDPM: Sampler {
  private let clipRange: Float?
  private let varianceType: String

  /// With the clipping and the variance that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) {
    clipRange = schedule.clipRange
    varianceType = schedule.varianceType
  }

  public var usesSigma: Bool { false }

  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    NoisePlan(schedule.ancestralLevels(count, spacing: spacing), end: .clean)
  }

  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let clean = try denoise(x, level).clean.clipped(to: clipRange)
      let alpha = level.alphaBar / target.alphaBar
      let beta = 1 - alpha
      let rest = 1 - level.alphaBar
      // The mean of the posterior, equation 7.
      x =
        try clean * Float(target.alpha * beta / rest)
        + x * Float(alpha.squareRoot() * (1 - target.alphaBar) / rest)
      if level.timestep > 0 {
        let factor = Float(deviation(beta, shrunk: (1 - target.alphaBar) / rest))
        x = try x + noise.normal(x.shape) * factor
      }
      x = try onStep(
        Step(
          index: index, count: plan.levels.count, level: level, latent: x, denoised: clean))
    }
    return x
  }

  /// Standard deviation of the noise that a step adds.
  private func deviation(_ beta: Double, shrunk share: Double) -> Double {
    switch varianceType {
    case "fixed_large": beta.squareRoot()
    default: max(share * beta, 1e-20).squareRoot()
    }
  }
}

extension NoiseSchedule {
  /// Whole timesteps as DDPM and DDIM space them, or Karras' sigmas between the same ends.
  func ancestralLevels(_ count: Int, spacing: Spacing?) -> [NoiseLevel] {
    let steps = timesteps(count, default: "leading", rounded: true)
    guard spacing == .karras, let first = steps.first, let last = steps.last else {
      return discreteLevels(steps)
    }
    let table = sigmas
    return karrasLevels(
      count, from: sigma(at: first, in: table), to: sigma(at: last, in: table), rounded: false)
  }
}

extension Tensor {
  /// Self kept within ± `range`; self where there is none.
  func clipped(to range: Float?) throws(TensorError) -> Tensor {
    guard let range else { return self }
    return try clamped(to: -abs(range)...abs(range))
  }
}
