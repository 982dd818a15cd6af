public import LanternTensor

/// The third-order multistep solver of the SDE (Crowson's k-diffusion, `sample_dpmpp_3m_sde`): like
/// ``DPMPP2MSDE``, with the predictions of two past steps.
public struct DPMPP3MSDE: UnitVarianceSampler {
  private let solver: DPMPP2M

  /// With the thresholding of the scheduler's configuration.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of fresh noise.
  public init(_ schedule: NoiseSchedule, eta: Float = 1) {
    solver = DPMPP2M(schedule, order: 3, isHeun: true, eta: eta, endsInLowOrder: false)
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
