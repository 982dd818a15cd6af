public import LanternTensor

/// The midpoint method on the probability-flow ODE, in the logarithm of sigma (Karras et al. 2022,
/// arXiv:2206.00364, algorithm 2 as k-diffusion's `sample_dpm_2` has it). Asks the model twice a step,
/// but once in the last.
///
/// Equal to diffusers' `KDPM2DiscreteScheduler`.
public struct DPM2: Sampler {
  private let table: SigmaTable

  /// With the timesteps of the schedule's sigmas.
  public init(_ schedule: NoiseSchedule) { table = SigmaTable(schedule) }

  /// Latents are `clean + sigma · noise`.
  public var usesSigma: Bool { true }

  /// Timesteps, between those of training where they fall there, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(
      count, spacing,
      Grid(scheduler: "KDPM2DiscreteScheduler", karrasRounding: .toNearestOrEven))
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let clean = try denoise(x * Float(level.alpha), level).clean
      x = try table.midpoint(
        x, clean, from: level, to: plan.targets[index].sigma, with: denoise)
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}

extension SigmaTable {
  /// One step of the midpoint method, or Euler's where no noise is to be left.
  func midpoint(
    _ x: Tensor, _ clean: Tensor, from level: NoiseLevel, to sigma: Double, with denoise: Denoise
  ) throws -> Tensor {
    let slope = try level.slope(at: x, towards: clean)
    guard sigma > 0 else { return try x - slope * Float(level.sigma) }
    let middle = self.level((level.sigma * sigma).squareRoot())
    let half = try x + slope * Float(middle.sigma - level.sigma)
    let there = try denoise(half * Float(middle.alpha), middle).clean
    return try x + middle.slope(at: half, towards: there) * Float(sigma - level.sigma)
  }
}
