public import LanternTensor

/// The third-order multistep solver of the SDE (Crowson's k-diffusion, `sample_dpmpp_3m_sde`): like
/// ``DPMPP2MSDE``, with a look at two steps back.
public struct DPMPP3MSDE: Sampler {
  private let solver: DPMPP2M

  /// With the thresholding that the schedule's file asks for.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of the noise that is drawn afresh.
  public init(_ schedule: NoiseSchedule, eta: Float = 1) {
    solver = DPMPP2M(schedule, order: 3, isHeun: true, eta: eta, endsInLowOrder: false)
  }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Whole timesteps, or a curve of sigmas between the ends of the schedule.
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
