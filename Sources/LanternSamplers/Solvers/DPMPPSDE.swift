public import LanternTensor

/// DPM-Solver++ for the SDE, a singlestep method of second order with fresh noise at the middle and at
/// the end of each step (Crowson's k-diffusion, `sample_dpmpp_sde`). Asks the model twice a step, but
/// once in the last.
///
/// Equal to diffusers' `DPMSolverSDEScheduler`, whose noise at the middle and at the end are of one
/// Brownian motion over sigma. Where the file gives no `noise_sampler_seed`, that one takes a number
/// from PyTorch's global generator; so does this, from the picture's noise, as if both were one.
public struct DPMPPSDE: Sampler {
  private let table: SigmaTable
  private let eta: Float
  private let seed: Int?
  private let isBrownian: Bool

  /// With the timesteps of the schedule's sigmas.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of the noise that is drawn afresh.
  public init(_ schedule: NoiseSchedule, eta: Float = 1) {
    table = SigmaTable(schedule)
    self.eta = eta
    seed = schedule.solver.noiseSeed
    isBrownian = schedule.convention == .diffusers
  }

  /// Latents are `clean + sigma · noise`.
  public var usesSigma: Bool { true }

  /// Timesteps, between those of training where they fall there, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(
      count, spacing, Grid(scheduler: "DPMSolverSDEScheduler", karrasHeedsEnds: false))
  }

  /// Draws noise twice in every step but the last.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var tree = isBrownian ? try tree(latent.shape, plan, &noise) : nil
    /// The noise between two sigmas.
    func drawn(_ start: Double, _ end: Double) throws -> Tensor {
      try tree?.noise(from: start, to: end) ?? noise.normal(latent.shape)
    }
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let clean = try denoise(x * Float(level.alpha), level).clean
      if target.sigma > 0 {
        let middle = table.level((level.sigma * target.sigma).squareRoot())
        let first = level.ancestral(to: middle, eta: eta)
        let half =
          try x.decayed(towards: clean, by: Double(first.down) / level.sigma)
          + drawn(level.sigma, middle.sigma) * first.up
        // With the middle half way, all of the slope there counts and nothing of the one here.
        let there = try denoise(half * Float(middle.alpha), middle).clean
        let second = level.ancestral(to: target, eta: eta)
        x =
          try x.decayed(towards: there, by: Double(second.down) / level.sigma)
          + drawn(level.sigma, target.sigma) * second.up
      } else {
        x = clean
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }

  /// The motion between the plan's least and most noise; nil for a single level.
  private func tree(_ shape: [Int], _ plan: NoisePlan, _ noise: inout NoiseSource)
    throws(TensorError) -> BrownianTree?
  {
    let drawn = noise.integer(below: 1 << 63 - 1)
    let sigmas = (plan.dropped + plan.levels).map(\.sigma)
    guard let least = sigmas.min(), let most = sigmas.max(), least < most else { return nil }
    let seed = seed.map { UInt64(bitPattern: Int64($0)) } ?? drawn
    return try BrownianTree(seed: seed, over: least...most, shape: shape)
  }
}
