public import LanternTensor

/// DPM-Solver++ in single steps: each of the plan's steps asks the model once, and every second or third
/// begins anew from where the group began (Lu et al. 2022, arXiv:2211.01095, algorithm 1).
///
/// Equal to diffusers' `DPMSolverSinglestepScheduler` of algorithm `dpmsolver++`, of `sde-dpmsolver++`
/// where noise is drawn afresh, and of `dpmsolver`, which integrates the noise.
public struct DPMSinglestep: Sampler {
  private let clipping: Clipping
  private let order: Int
  private let isHeun: Bool
  private let endsInLowOrder: Bool
  private let endsInFirstOrder: Bool
  private let integratesNoise: Bool
  private let eta: Double

  /// With the order and the ending that the schedule's file asks for.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of the noise that is drawn afresh: 0 solves the ODE, 1 the SDE.
  public init(_ schedule: NoiseSchedule, eta: Float = 0) {
    integratesNoise = schedule.solver.integratesNoise
    self.eta = Double(eta)
    clipping = schedule.thresholding
    order = schedule.solver.order
    isHeun = schedule.solver.type == "heun"
    endsInFirstOrder = schedule.finalSigmaIsZero
    endsInLowOrder = schedule.solver.lowerOrderFinal ?? false || endsInFirstOrder
  }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Whole timesteps, whatever spacing the file asks for, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.multistepPlan(
      count, spacing, for: "DPMSolverSinglestepScheduler", heedsFile: false)
  }

  /// Draws noise in every step, unless `eta` is 0.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    let orders = orders(plan.count).suffix(plan.levels.count)
    var x = latent
    var base = latent
    var history: [(value: Tensor, lambda: Double)] = []
    for (index, (level, wanted)) in zip(plan.levels, orders).enumerated() {
      let found = try clipping.applied(to: denoise(x, level), of: x, at: level)
      if let last = history.first, last.lambda >= level.lambda { history = [] }
      let newest = (integratesNoise ? found.noise : found.clean, level.lambda)
      history = Array(([newest] + history).prefix(order))
      // The logarithm has no end where there is no noise.
      let isLast = plan.targets[index].sigma == 0
      let order = isLast ? 1 : min(wanted, history.count)
      if order == 1 { base = x }
      let step = ExponentialStep(
        from: plan.levels[index - order + 1], to: plan.targets[index],
        integratesNoise: integratesNoise, eta: eta, hasWrongSign: true)
      x = try moved(base, step, Array(history.prefix(order)))
      if eta > 0 { x = try x + noise.normal(x.shape) * Float(step.fresh) }
      x = try onStep(plan.step(index, x, denoised: found.clean))
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
    _ base: Tensor, _ step: ExponentialStep, _ found: [(value: Tensor, lambda: Double)]
  ) throws(TensorError) -> Tensor {
    let first = found[found.count - 1]
    let x = try base * Float(step.kept) + first.value * Float(step.value)
    guard found.count > 1 else { return x }
    /// The change since the group began, as a slope over the step.
    func slope(_ index: Int) throws(TensorError) -> (ratio: Double, value: Tensor) {
      let ratio = (found[index].lambda - first.lambda) / step.length
      return (ratio, try (found[index].value - first.value) * Float(1 / ratio))
    }
    let newest = try slope(0)
    if found.count == 2 {
      return try x + newest.value * Float(isHeun ? step.slope : step.midpoint)
    }
    guard isHeun else { return try x + newest.value * Float(step.slope) }
    let older = try slope(1)
    let width = newest.ratio - older.ratio
    let straight =
      try (older.value * Float(newest.ratio) - newest.value * Float(older.ratio))
      * Float(1 / width)
    let bend = try (newest.value - older.value) * Float(2 / width)
    return try x + straight * Float(step.slope) + bend * Float(step.bend)
  }
}
