public import LanternTensor

/// ``DPM2`` to a lower noise level than wanted, and fresh noise up to it (k-diffusion's
/// `sample_dpm_2_ancestral`).
///
/// Equal to diffusers' `KDPM2AncestralDiscreteScheduler`.
public struct DPM2Ancestral: Sampler {
  private let table: SigmaTable
  private let eta: Float

  /// With the timesteps of the schedule's sigmas.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of the noise that is drawn afresh.
  public init(_ schedule: NoiseSchedule, eta: Float = 1) {
    table = SigmaTable(schedule)
    self.eta = eta
  }

  /// Latents are `clean + sigma · noise`.
  public var usesSigma: Bool { true }

  /// Timesteps, between those of training where they fall there, or a curve of sigmas.
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
      let (down, up) = level.ancestral(to: plan.targets[index], eta: eta)
      let clean = try denoise(x * Float(level.alpha), level).clean
      x = try table.midpoint(x, clean, from: level, to: Double(down), with: denoise)
      if plan.targets[index].sigma > 0 { x = try x + noise.normal(x.shape) * up }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
