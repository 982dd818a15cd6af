public import LanternTensor

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// DPM-Solver++ in single steps: each of the plan's steps asks the model once, and every second or third
/// begins anew from where the group began (Lu et al. 2022, arXiv:2211.01095, algorithm 1).
///
/// Equal to diffusers' `DPMSolverSinglestepScheduler` of algorithm `dpmsolver++`.
public struct DPMSinglestep: Sampler {
  private let clipping: Clipping
  private let order: Int
  private let isHeun: Bool
  private let endsInLowOrder: Bool
  private let endsInFirstOrder: Bool

  /// With the order and the ending that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) {
    clipping = schedule.thresholding
    order = schedule.solverOrder
    isHeun = schedule.solverType == "heun"
    endsInFirstOrder = schedule.finalSigmaIsZero
    endsInLowOrder = schedule.lowerOrderFinal ?? false || endsInFirstOrder
  }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Whole timesteps, whatever spacing the file asks for, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.multistepPlan(
      count, spacing, for: "DPMSolverSinglestepScheduler", heedsFile: false)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    let orders = orders(plan.count).suffix(plan.levels.count)
    var x = latent
    var base = latent
    var history: [(clean: Tensor, lambda: Double)] = []
    for (index, (level, wanted)) in zip(plan.levels, orders).enumerated() {
      let clean = try clipping.applied(to: denoise(x, level).clean)
      if let last = history.first, last.lambda >= level.lambda { history = [] }
      history = Array(([(clean, level.lambda)] + history).prefix(order))
      // The logarithm has no end where there is no noise.
      let isLast = plan.targets[index].sigma == 0
      let order = isLast ? 1 : min(wanted, history.count)
      if order == 1 { base = x }
      let origin = plan.levels[index - order + 1]
      x = try moved(base, from: origin, to: plan.targets[index], Array(history.prefix(order)))
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }

  /// The order of each step of a whole plan.
  private func orders(_ count: Int) -> [Int] {
    var orders = (0..<count).map { $0 % order + 1 }
    if endsInLowOrder, order > 1, count % order == 0 {
      // A whole last group would end at the order itself; the step before stays below it too.
      orders[count - 1] = 1
    }
    if endsInFirstOrder { orders[count - 1] = 1 }
    return orders
  }

  /// One step from where the group began, with what was found since, newest first.
  private func moved(
    _ base: Tensor, from origin: NoiseLevel, to target: NoiseLevel,
    _ found: [(clean: Tensor, lambda: Double)]
  ) throws(TensorError) -> Tensor {
    let first = found[found.count - 1]
    let h = target.lambda - origin.lambda
    let gain = -expm1(-h)
    let x =
      try base * Float(target.deviation / origin.deviation)
      + first.clean * Float(target.alpha * gain)
    guard found.count > 1 else { return x }
    /// The change of the clean latent since the group began, as a slope.
    func slope(_ index: Int) throws(TensorError) -> (ratio: Double, value: Tensor) {
      let ratio = (found[index].lambda - first.lambda) / h
      return (ratio, try (found[index].clean - first.clean) * Float(1 / ratio))
    }
    let newest = try slope(0)
    let second = 1 - gain / h
    if found.count == 2 {
      return try x + newest.value * Float(target.alpha * (isHeun ? second : 0.5 * gain))
    }
    guard isHeun else { return try x + newest.value * Float(target.alpha * second) }
    let older = try slope(1)
    let width = newest.ratio - older.ratio
    let straight =
      try (older.value * Float(newest.ratio) - newest.value * Float(older.ratio))
      * Float(1 / width)
    let bend = try (newest.value - older.value) * Float(2 / width)
    return try x + straight * Float(target.alpha * second)
      - bend * Float(target.alpha * (second / h - 0.5))
  }
}
