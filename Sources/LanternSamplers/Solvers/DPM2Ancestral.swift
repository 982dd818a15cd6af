public import LanternTensor

/// Ancestral ``DPM2``: a step below the target level, and fresh noise up to it (k-diffusion's
/// `sample_dpm_2_ancestral`).
///
/// Equal to diffusers' `KDPM2AncestralDiscreteScheduler`.
public struct DPM2Ancestral: SigmaSampler {
  private let table: SigmaTable
  private let eta: Float

  /// With the timesteps of the schedule's sigmas.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of fresh noise.
  public init(_ schedule: NoiseSchedule, eta: Float = 1) {
    table = SigmaTable(schedule)
    self.eta = eta
  }

  /// Timesteps, integers or not, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(
      count, spacing,
      Grid(scheduler: "KDPM2AncestralDiscreteScheduler", karrasRounding: .toNearestOrEven))
  }

  /// Draws noise in every step but the last.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let (down, up) = level.ancestralStep(to: plan.targets[index], eta: eta)
      let clean = try level.denoised(x, with: denoise)
      x = try table.midpointStep(x, clean, from: level, to: Double(down), with: denoise)
      if plan.targets[index].sigma > 0 { x = try x + noise.normal(x.shape) * up }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
