public import LanternTensor

/// DPM-Solver++(2M) for the SDE: ``DPMPP2M`` with fresh noise in every step (Lu et al. 2022,
/// arXiv:2211.01095; k-diffusion's `sample_dpmpp_2m_sde`).
///
/// Equal to diffusers' `DPMSolverMultistepScheduler` of algorithm `sde-dpmsolver++`, in the third order
/// with the wrong sign of the reference, and of `sde-dpmsolver`.
public struct DPMPP2MSDE: UnitVarianceSampler {
  private let solver: DPMPP2M

  /// With the type of solver of the scheduler's configuration.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of fresh noise.
  public init(_ schedule: NoiseSchedule, eta: Float = 1) {
    solver = DPMPP2M(
      schedule, order: schedule.solver.order, isHeun: schedule.solver.type == "heun", eta: eta,
      endsInLowOrder: schedule.solver.lowerOrderFinal ?? true,
      integratesNoise: schedule.solver.integratesNoise, hasWrongSign: true)
  }

  /// Integer timesteps, or a curve of sigmas between the ends of the schedule.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    solver.plan(count, over: schedule, spacing: spacing)
  }

  /// Draws noise in every step but the one to no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    try solver.sample(latent, over: plan, with: denoise, noise: &noise, onStep: onStep)
  }
}
