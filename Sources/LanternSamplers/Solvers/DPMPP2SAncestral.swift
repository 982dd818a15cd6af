public import LanternTensor

/// DPM-Solver++(2S), a singlestep method of second order, to a lower noise level than wanted, and fresh
/// noise up to it (Crowson's k-diffusion, `sample_dpmpp_2s_ancestral`). Asks the model twice a step, but
/// once in the last.
public struct DPMPP2SAncestral: Sampler {
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
    schedule.sigmaPlan(count, spacing, Grid(scheduler: "EulerAncestralDiscreteScheduler"))
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
      if down > 0 {
        let middle = table.level((level.sigma * Double(down)).squareRoot())
        let half = try x.decayed(towards: clean, by: middle.sigma / level.sigma)
        let there = try denoise(half * Float(middle.alpha), middle).clean
        x = try x.decayed(towards: there, by: Double(down) / level.sigma)
      } else {
        x = clean
      }
      if plan.targets[index].sigma > 0 { x = try x + noise.normal(x.shape) * up }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }
}

extension Tensor {
  /// The exact way to a constant clean latent: `ratio` of self, and what is left of `clean`.
  func decayed(towards clean: Tensor, by ratio: Double) throws(TensorError) -> Tensor {
    try self * Float(ratio) + clean * Float(1 - ratio)
  }
}
