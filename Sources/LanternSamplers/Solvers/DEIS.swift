import LanternPlatform
public import LanternTensor

/// Exponential integration with a polynomial through past noises, in the logarithm of sigma (Zhang &
/// Chen 2023, arXiv:2204.13902: log-ρ Adams–Bashforth). Second order unless the configuration has another.
///
/// Equal to diffusers' `DEISMultistepScheduler`, which ends at the first training step's noise.
public struct DEIS: UnitVarianceSampler {
  private let clipping: Clipping
  private let order: Int
  private let shortRunsEndInLowOrder: Bool

  /// With the order of the scheduler's configuration.
  public init(_ schedule: NoiseSchedule) {
    clipping = schedule.settings.thresholding
    order = schedule.solver.order
    shortRunsEndInLowOrder = schedule.solver.lowerOrderFinal ?? true
  }

  /// Integer timesteps, or a curve of sigmas between the ends of the schedule.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.multistepPlan(
      count, spacing, for: "DEISMultistepScheduler",
      end: schedule.firstTrainingLevel)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var history: [(noise: Tensor, sigma: Double)] = []
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let clean = try clipping.applied(to: denoise(x, level).clean)
      let found = try (x - clean * Float(level.alpha)) * Float(1 / level.deviation)
      history.removeAll { $0.sigma <= level.sigma }
      history = Array(([(found, level.sigma)] + history).prefix(order))
      let left = plan.levels.count - index
      // The polynomials are in the logarithm, which has no end where there is no noise.
      let isLow = shortRunsEndInLowOrder && plan.count < 15 || target.sigma == 0
      let past = history.prefix(isLow ? left : order)
      let factors = Self.factors(past.map(\.sigma), to: target.sigma)
      x = try x * Float(target.alpha / level.alpha)
      for (factor, old) in zip(factors, past) {
        x = try x + old.noise * Float(target.alpha * factor)
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }

  /// The integrals over sigma of Lagrange polynomials in log sigma through `points`, newest first, from the
  /// newest to `end`.
  private static func factors(_ points: [Double], to end: Double) -> [Double] {
    guard points.count > 1 else { return [end - points[0]] }
    let logs = points.map { log($0) }
    return points.indices.map { index in
      let others = points.indices.filter { $0 != index }.map { logs[$0] }
      let scale = others.reduce(1) { $0 * (logs[index] - $1) }
      /// The antiderivative of the product of `log sigma − other`.
      func integral(_ sigma: Double) -> Double {
        let l = log(sigma)
        if others.count == 1 { return sigma * (l - 1 - others[0]) }
        let (sum, product) = (others[0] + others[1], others[0] * others[1])
        return sigma * (l * l - 2 * l + 2 - sum * (l - 1) + product)
      }
      return (integral(end) - integral(points[0])) / scale
    }
  }
}
