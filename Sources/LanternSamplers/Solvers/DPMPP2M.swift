public import LanternTensor

/// DPM-Solver++(2M), a multistep method in the logarithm of the signal-to-noise ratio, of second order
/// unless the schedule's file asks for another (Lu et al. 2022, arXiv:2211.01095, algorithm 2).
///
/// Equal to diffusers' `DPMSolverMultistepScheduler` of algorithm `dpmsolver++`, and of `dpmsolver`,
/// which integrates the noise (arXiv:2206.00927), where the file asks for that.
public struct DPMPP2M: Sampler {
  private let clipping: Clipping
  private let order: Int
  private let isHeun: Bool
  private let endsInFirstOrder: Bool
  private let shortRunsEndInLowOrder: Bool
  private let integratesNoise: Bool
  private let hasWrongSign: Bool
  /// Share of the noise that is drawn afresh: 0 solves the ODE, 1 the SDE.
  private let eta: Double

  /// With the order and the ending that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) {
    self.init(
      schedule, order: schedule.solver.order, isHeun: schedule.solver.type == "heun", eta: 0,
      endsInLowOrder: schedule.solver.lowerOrderFinal ?? true,
      integratesNoise: schedule.solver.integratesNoise)
  }

  /// The method and its kin.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - order: 1 to 3.
  ///   - isHeun: whether slopes weigh as in the exact integral, rather than as at the midpoint.
  ///   - eta: share of the noise that is drawn afresh.
  ///   - endsInLowOrder: whether short runs end in steps of lower order.
  ///   - integratesNoise: whether the noise is integrated rather than the clean latent.
  ///   - hasWrongSign: whether the third order is diffusers' for the SDE.
  init(
    _ schedule: NoiseSchedule, order: Int, isHeun: Bool, eta: Float, endsInLowOrder: Bool,
    integratesNoise: Bool = false, hasWrongSign: Bool = false
  ) {
    clipping = schedule.thresholding
    self.order = order
    self.isHeun = isHeun
    self.eta = Double(eta)
    self.integratesNoise = integratesNoise
    self.hasWrongSign = hasWrongSign
    endsInFirstOrder = schedule.solver.eulerAtFinal || schedule.finalSigmaIsZero
    shortRunsEndInLowOrder = endsInLowOrder
  }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Whole timesteps, or a curve of sigmas between the ends of the schedule.
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
      // Where timesteps are rounded onto one another there is no change to learn from.
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

  /// How many answers of the model a step may look at.
  private func order(_ index: Int, of plan: NoisePlan) -> Int {
    let left = plan.levels.count - index
    let isShort = shortRunsEndInLowOrder && plan.count < 15
    // The logarithm has no end where there is no noise.
    if left == 1, endsInFirstOrder || isShort || plan.targets[index].sigma == 0 { return 1 }
    return left == 2 && isShort ? min(order, 2) : order
  }

  /// What changes of the model's answers, newest first, add to a step.
  private func change(_ history: [(value: Tensor, lambda: Double)], _ step: ExponentialStep)
    throws(TensorError) -> Tensor?
  {
    guard history.count > 1, step.length > 0 else { return nil }
    /// The slope between two answers, over the step.
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

extension NoiseSchedule {
  /// A plan as diffusers' multistep solvers have it: one step more than asked for, less the last, so
  /// that the end is not stepped on twice.
  func multistepPlan(
    _ count: Int, _ spacing: Spacing?, for sampler: String, heedsFile: Bool = true,
    end: NoiseLevel? = nil
  ) -> NoisePlan {
    // The reference tells the model whole timesteps, and for one schedule of betas rounds down.
    let isCut = isCosine && sampler == "DPMSolverMultistepScheduler"
    let levels = levels(
      count, spacing,
      Grid(
        scheduler: sampler, heedsFile: heedsFile, isWhole: true, leavesOutEnd: true,
        spansSchedule: true, karrasRounding: isCut ? .down : .toNearestOrEven,
        curveRounding: .down, takesLuLambdas: sampler == "DPMSolverMultistepScheduler",
        leavesOutClipped: ["DPMSolver", "SASolver"].contains { sampler.hasPrefix($0) }))
    // Of a curve with an end of its own these repeat the last level.
    let isCurve = [.karras, .exponential, .beta].contains(spacing ?? fileCurve)
    let repeats = end != nil || sampler == "UniPCMultistepScheduler" && !finalSigmaIsZero
    let last =
      isCurve && repeats && curveEnds.least != nil && continuous == nil ? levels.last : nil
    return unitPlan(levels, end: convention == .kDiffusion ? .clean : last ?? end ?? lastLevel)
  }
}
