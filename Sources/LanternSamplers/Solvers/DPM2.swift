public import LanternTensor

/// The midpoint method on the probability-flow ODE, in the logarithm of sigma (Karras et al. 2022,
/// arXiv:2206.00364, algorithm 2 as k-diffusion's `sample_dpm_2` has it). Two model evaluations a step, but
/// one in the last.
///
/// Equal to diffusers' `KDPM2DiscreteScheduler`.
public struct DPM2: SigmaSampler {
  private let table: SigmaTable

  /// With the timesteps of the schedule's sigmas.
  public init(_ schedule: NoiseSchedule) { table = SigmaTable(schedule) }

  /// Timesteps, integers or not, or a curve of sigmas.
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
      let clean = try level.denoised(x, with: denoise)
      x = try table.midpointStep(
        x, clean, from: level, to: plan.targets[index].sigma, with: denoise)
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
