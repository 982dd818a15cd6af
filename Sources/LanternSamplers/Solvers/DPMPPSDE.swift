public import LanternTensor

/// DPM-Solver++ for the SDE, a singlestep method of second order with fresh noise at the middle and at
/// the end of each step (Crowson's k-diffusion, `sample_dpmpp_sde`). Two model evaluations a
/// step, but one in the last.
///
/// Equal to diffusers' `DPMSolverSDEScheduler`, whose noise at the middle and at the end is of one
/// Brownian motion over sigma. Without `noise_sampler_seed` the reference seeds it from PyTorch's global
/// generator; here from the picture's noise, as if both generators were one.
public struct DPMPPSDE: SigmaSampler {
  private let table: SigmaTable
  private let eta: Float
  private let seed: Int?
  private let isBrownian: Bool

  /// With the timesteps of the schedule's sigmas.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of fresh noise.
  public init(_ schedule: NoiseSchedule, eta: Float = 1) {
    table = SigmaTable(schedule)
    self.eta = eta
    seed = schedule.solver.noiseSeed
    isBrownian = schedule.convention == .diffusers
  }

  /// Timesteps, integers or not, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(
      count, spacing, Grid(scheduler: "DPMSolverSDEScheduler", karrasUsesFileEnds: false))
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
      let clean = try level.denoised(x, with: denoise)
      if target.sigma > 0 {
        let middle = table.level((level.sigma * target.sigma).squareRoot())
        let first = level.ancestralStep(to: middle, eta: eta)
        let half =
          try x.decayed(toward: clean, by: Double(first.down) / level.sigma)
          + drawn(level.sigma, middle.sigma) * first.up
        // At the geometric mean the derivative there has weight 1, and that at the start weight 0.
        let there = try middle.denoised(half, with: denoise)
        let second = level.ancestralStep(to: target, eta: eta)
        x =
          try x.decayed(toward: there, by: Double(second.down) / level.sigma)
          + drawn(level.sigma, target.sigma) * second.up
      } else {
        x = clean
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }

  /// The Brownian motion between the plan's minimum and maximum sigma; nil for a single level.
  private func tree(_ shape: [Int], _ plan: NoisePlan, _ noise: inout NoiseSource)
    throws(TensorError) -> BrownianTree?
  {
    let drawn = noise.integer(below: 1 << 63 - 1)
    let sigmas = (plan.dropped + plan.levels).map(\.sigma)
    guard let minimum = sigmas.min(), let maximum = sigmas.max(), minimum < maximum else {
      return nil
    }
    let seed = seed.map { UInt64(bitPattern: Int64($0)) } ?? drawn
    return try BrownianTree(seed: seed, over: minimum...maximum, shape: shape)
  }
}
