public import LanternTensor

/// DPM-Solver++, singlestep: each of the plan's steps evaluates the model once, and the steps of a group of
/// two or three all start at the first level of the group (Lu et al. 2022, arXiv:2211.01095, algorithm 1).
///
/// Equal to diffusers' `DPMSolverSinglestepScheduler` of algorithm `dpmsolver++`, of `sde-dpmsolver++`
/// with fresh noise, and of `dpmsolver`, which integrates the noise.
public struct DPMSinglestep: UnitVarianceSampler {
  private let clipping: Clipping
  private let order: Int
  private let isHeun: Bool
  private let endsInLowOrder: Bool
  private let endsInFirstOrder: Bool
  private let integratesNoise: Bool
  private let eta: Double

  /// With the order and the ending of the scheduler's configuration.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: share of fresh noise: 0 solves the ODE, 1 the SDE.
  public init(_ schedule: NoiseSchedule, eta: Float = 0) {
    integratesNoise = schedule.solver.integratesNoise
    self.eta = Double(eta)
    clipping = schedule.settings.thresholding
    order = schedule.solver.order
    isHeun = schedule.solver.type == "heun"
    endsInFirstOrder = schedule.settings.finalSigmaIsZero
    endsInLowOrder = schedule.solver.lowerOrderFinal ?? false || endsInFirstOrder
  }

  /// Integer timesteps, whatever `timestep_spacing` the configuration has, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.multistepPlan(
      count, spacing, for: "DPMSolverSinglestepScheduler", usesFileSpacing: false)
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
      // Without noise lambda is infinite.
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
      // A complete last group would end at the full order; the step before it is of lower order too.
      orders[count - 1] = 1
    }
    if endsInFirstOrder { orders[count - 1] = 1 }
    return orders
  }

  /// One step from the start of the group, by the predictions since, newest first.
  private func moved(
    _ base: Tensor, _ step: ExponentialStep, _ found: [(value: Tensor, lambda: Double)]
  ) throws(TensorError) -> Tensor {
    let first = found[found.count - 1]
    let x = try base * Float(step.kept) + first.value * Float(step.value)
    guard found.count > 1 else { return x }
    /// The difference to the group's first prediction, over the step.
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
