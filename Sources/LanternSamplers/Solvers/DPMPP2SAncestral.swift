public import LanternTensor

/// DPM-Solver++(2S), a singlestep method of second order, ancestral: a step below the target level, and
/// fresh noise up to it (Crowson's k-diffusion, `sample_dpmpp_2s_ancestral`). Two model evaluations a
/// step, but one in the last.
public struct DPMPP2SAncestral: SigmaSampler {
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
    schedule.sigmaPlan(count, spacing, Grid(scheduler: "EulerAncestralDiscreteScheduler"))
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
      if down > 0 {
        let middle = table.level((level.sigma * Double(down)).squareRoot())
        let half = try x.decayed(toward: clean, by: middle.sigma / level.sigma)
        let there = try middle.denoised(half, with: denoise)
        x = try x.decayed(toward: there, by: Double(down) / level.sigma)
      } else {
        x = clean
      }
      if plan.targets[index].sigma > 0 { x = try x + noise.normal(x.shape) * up }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}
