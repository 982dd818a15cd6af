public import LanternTensor

/// DPM-Solver++ for the SDE, a singlestep method of second order with fresh noise at the middle and at
/// the end of each step (Crowson's k-diffusion, `sample_dpmpp_sde`). Asks the model twice a step, but
/// once in the last.
///
/// The noise at the middle and at the end is independent, as k-diffusion's is when it is given a plain
/// source; its Brownian tree, which diffusers' `DPMSolverSDEScheduler` takes too, is not here.
public struct DPMPPSDE: Sampler {
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
    schedule.sigmaPlan(count, spacing, Grid(scheduler: "DPMSolverSDEScheduler"))
  }

  /// Draws noise twice in every step but the last.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let clean = try denoise(x * Float(level.alpha), level).clean
      if target.sigma > 0 {
        let middle = table.level((level.sigma * target.sigma).squareRoot())
        let first = level.ancestral(to: middle, eta: eta)
        let half =
          try x.decayed(towards: clean, by: Double(first.down) / level.sigma)
          + noise.normal(x.shape) * first.up
        // With the middle half way, all of the slope there counts and nothing of the one here.
        let there = try denoise(half * Float(middle.alpha), middle).clean
        let second = level.ancestral(to: target, eta: eta)
        x =
          try x.decayed(towards: there, by: Double(second.down) / level.sigma)
          + noise.normal(x.shape) * second.up
      } else {
        x = clean
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
