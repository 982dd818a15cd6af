public import LanternTensor

/// DPM-Solver++(2M), a multistep method in the logarithm of the signal-to-noise ratio, of second order
/// unless the scheduler's configuration has another (Lu et al. 2022, arXiv:2211.01095, algorithm 2).
///
/// Equal to diffusers' `DPMSolverMultistepScheduler` of algorithm `dpmsolver++`, and of `dpmsolver`,
/// which integrates the noise (arXiv:2206.00927), where the configuration says so.
public struct DPMPP2M: UnitVarianceSampler {
  private let clipping: Clipping
  private let order: Int
  private let isHeun: Bool
  private let endsInFirstOrder: Bool
  private let shortRunsEndInLowOrder: Bool
  private let integratesNoise: Bool
  private let hasWrongSign: Bool
  /// Share of fresh noise: 0 solves the ODE, 1 the SDE.
  private let eta: Double

  /// With the order and the ending of the scheduler's configuration.
  public init(_ schedule: NoiseSchedule) {
    self.init(
      schedule, order: schedule.solver.order, isHeun: schedule.solver.type == "heun", eta: 0,
      endsInLowOrder: schedule.solver.lowerOrderFinal ?? true,
      integratesNoise: schedule.solver.integratesNoise)
  }

  /// The method, and those of its family.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - order: 1 to 3.
  ///   - isHeun: whether derivatives are weighted by the exact integral, rather than the midpoint rule.
  ///   - eta: share of fresh noise.
  ///   - endsInLowOrder: whether short runs end in steps of lower order.
  ///   - integratesNoise: whether the noise is integrated rather than the clean latent.
  ///   - hasWrongSign: whether the third order is diffusers' for the SDE.
  init(
    _ schedule: NoiseSchedule, order: Int, isHeun: Bool, eta: Float, endsInLowOrder: Bool,
    integratesNoise: Bool = false, hasWrongSign: Bool = false
  ) {
    clipping = schedule.settings.thresholding
    self.order = order
    self.isHeun = isHeun
    self.eta = Double(eta)
    self.integratesNoise = integratesNoise
    self.hasWrongSign = hasWrongSign
    endsInFirstOrder = schedule.solver.eulerAtFinal || schedule.settings.finalSigmaIsZero
    shortRunsEndInLowOrder = endsInLowOrder
  }

  /// Integer timesteps, or a curve of sigmas between the ends of the schedule.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.multistepPlan(count, spacing, for: "DPMSolverMultistepScheduler")
  }

  /// Draws no noise, unless it solves the SDE.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var history: [(value: Tensor, lambda: Double)] = []
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let found = try clipping.applied(to: denoise(x, level), of: x, at: level)
      // Of timesteps that are rounded to the same one there is no derivative.
      if let last = history.first, last.lambda >= level.lambda { history = [] }
      let newest = (integratesNoise ? found.noise : found.clean, level.lambda)
      history = Array(([newest] + history).prefix(order(index, of: plan)))
      let step = ExponentialStep(
        from: level, to: target, integratesNoise: integratesNoise, eta: eta,
        hasWrongSign: hasWrongSign)
      x = try x * Float(step.kept) + newest.0 * Float(step.value)
      if let change = try change(history, step) { x = try x + change }
      if eta > 0, target.deviation > 0 { x = try x + noise.normal(x.shape) * Float(step.fresh) }
      x = try onStep(plan.step(index, x, denoised: found.clean))
    }
    return x
  }

  /// The order of a step: the number of predictions that it uses.
  private func order(_ index: Int, of plan: NoisePlan) -> Int {
    let left = plan.levels.count - index
    let isShort = shortRunsEndInLowOrder && plan.count < 15
    // Without noise lambda is infinite.
    if left == 1, endsInFirstOrder || isShort || plan.targets[index].sigma == 0 { return 1 }
    return left == 2 && isShort ? min(order, 2) : order
  }

  /// The terms of a step in the derivatives of the predictions, newest first.
  private func change(_ history: [(value: Tensor, lambda: Double)], _ step: ExponentialStep)
    throws(TensorError) -> Tensor?
  {
    guard history.count > 1, step.length > 0 else { return nil }
    /// The first difference of two predictions, over the step.
    func slope(_ index: Int) throws(TensorError) -> Tensor {
      let gap = history[index].lambda - history[index + 1].lambda
      return try (history[index].value - history[index + 1].value) * Float(step.length / gap)
    }
    let newest = try slope(0)
    guard history.count > 2 else { return try newest * Float(isHeun ? step.slope : step.midpoint) }
    let whole = history[0].lambda - history[2].lambda
    let bend = try (newest - slope(1)) * Float(step.length / whole)
    let first = (history[0].lambda - history[1].lambda) / step.length
    return try (newest + bend * Float(first)) * Float(step.slope) + bend * Float(step.bend)
  }
}
