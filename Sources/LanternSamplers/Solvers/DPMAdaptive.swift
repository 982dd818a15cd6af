import LanternPlatform
public import LanternTensor

/// DPM-Solver with adaptive step size, from the difference of its solutions of orders 2 and 3 (Lu et al. 2022, arXiv:2206.00927, appendix C; Crowson's k-diffusion,
/// `sample_dpm_adaptive`).
///
/// Of a plan only the first level and the last target count: the number of steps follows from the error.
/// Three model evaluations a step.
public struct DPMAdaptive: SigmaSampler {
  private static let relativeTolerance: Float = 0.05
  private static let absoluteTolerance: Float = 0.0078
  private static let firstStep = 0.05
  private static let minimumFactor = 0.81
  private let table: SigmaTable

  /// With the timesteps of the schedule's sigmas.
  public init(_ schedule: NoiseSchedule) { table = SigmaTable(schedule) }

  /// Whether the step size is adaptive: true.
  public var choosesLevels: Bool { true }

  /// The ends of the schedule.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    // A single level may be the last of the schedule, from which no step is left.
    let plan = schedule.sigmaPlan(
      max(count, 2), spacing, Grid(scheduler: "KDPM2DiscreteScheduler"))
    let minimum = table.level(table.ends.lowerBound)
    return NoisePlan(plan.levels, end: minimum, initialScale: plan.initialScale)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    guard let first = plan.levels.first, let last = plan.targets.last else { return latent }
    var x = latent
    var previous = latent
    var here = first
    var width = Self.firstStep
    var index = 0
    while here.lambda < last.lambda - 1e-5 {
      let target = min(last.lambda, here.lambda + width)
      let pair = try pair(x, from: here, to: target, with: denoise)
      let factor = try Self.factor(pair.low, pair.high, previous)
      width *= factor
      // NaN is passed on to the caller.
      guard !factor.isFinite || factor >= Self.minimumFactor else { continue }
      previous = pair.low
      let began = here
      here = table.level(exp(-target))
      x = try onStep(
        Step(
          index: index, count: max(plan.levels.count, index + 1), level: began, latent: pair.high,
          denoised: pair.clean))
      index += 1
      if !factor.isFinite { return x }
    }
    return x
  }

  /// A step of second and of third order, which share the derivatives at the start and at a third.
  private func pair(
    _ x: Tensor, from here: NoiseLevel, to target: Double, with denoise: Denoise
  ) throws -> (low: Tensor, high: Tensor, clean: Tensor) {
    let h = target - here.lambda
    func slope(_ x: Tensor, _ level: NoiseLevel) throws -> (clean: Tensor, noise: Tensor) {
      let clean = try level.denoised(x, with: denoise)
      return (clean, try level.derivative(of: x, denoised: clean))
    }
    let start = try slope(x, here)
    let third = table.level(exp(-(here.lambda + h / 3)))
    let atThird = try slope(
      x - start.noise * Float(third.sigma * expm1(h / 3)), third)
    let change = try atThird.noise - start.noise
    let sigma = exp(-target)
    let straight = try x - start.noise * Float(sigma * expm1(h))
    let low = try straight - change * Float(1.5 * sigma * expm1(h))

    let later = table.level(exp(-(here.lambda + h * 2 / 3)))
    let grown = expm1(h * 2 / 3)
    let atLater = try slope(
      x - start.noise * Float(later.sigma * grown)
        - change * Float(later.sigma * 2 * (grown / (h * 2 / 3) - 1)), later)
    let high =
      try straight - (atLater.noise - start.noise) * Float(1.5 * sigma * (expm1(h) / h - 1))
    return (low, high, start.clean)
  }

  /// The factor of the next step size: the third root of the inverse error, limited around 1.
  private static func factor(_ low: Tensor, _ high: Tensor, _ previous: Tensor) throws -> Double {
    var sum = 0.0
    let (a, b, c) = (try low.floats(), try high.floats(), try previous.floats())
    for index in a.indices {
      let scale = max(absoluteTolerance, relativeTolerance * max(abs(a[index]), abs(c[index])))
      let error = Double((a[index] - b[index]) / scale)
      sum += error * error
    }
    let error = (sum / Double(max(a.count, 1))).squareRoot()
    return 1 + atan(pow(1 / (error + 1e-8), 1.0 / 3) - 1)
  }
}
