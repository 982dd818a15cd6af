public import LanternTensor

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// DPM-Solver++(2M), a multistep method in the logarithm of the signal-to-noise ratio, of second order
/// unless the schedule's file asks for another (Lu et al. 2022, arXiv:2211.01095, algorithm 2).
///
/// Equal to diffusers' `DPMSolverMultistepScheduler` of algorithm `dpmsolver++`.
public struct DPMPP2M: Sampler {
  private let clipping: Clipping
  private let order: Int
  private let isHeun: Bool
  private let endsInFirstOrder: Bool
  private let shortRunsEndInLowOrder: Bool
  /// Share of the noise that is drawn afresh: 0 solves the ODE, 1 the SDE.
  private let eta: Double

  /// With the order and the ending that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) {
    self.init(
      schedule, order: schedule.solverOrder, isHeun: schedule.solverType == "heun", eta: 0,
      endsInLowOrder: schedule.lowerOrderFinal ?? true)
  }

  /// The method and its kin.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - order: 1 to 3.
  ///   - isHeun: whether slopes weigh as in the exact integral, rather than as at the midpoint.
  ///   - eta: share of the noise that is drawn afresh.
  ///   - endsInLowOrder: whether short runs end in steps of lower order.
  init(
    _ schedule: NoiseSchedule, order: Int, isHeun: Bool, eta: Float, endsInLowOrder: Bool
  ) {
    clipping = schedule.thresholding
    self.order = order
    self.isHeun = isHeun
    self.eta = Double(eta)
    endsInFirstOrder = schedule.eulerAtFinal || schedule.finalSigmaIsZero
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
    var history: [(clean: Tensor, lambda: Double)] = []
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let clean = try clipping.applied(to: denoise(x, level).clean)
      // Where timesteps are rounded onto one another there is no change to learn from.
      if let last = history.first, last.lambda >= level.lambda { history = [] }
      history = Array(([(clean, level.lambda)] + history).prefix(order(index, of: plan)))
      let h = target.lambda - level.lambda
      let decay = eta > 0 ? exp(-eta * h) : 1
      let whole = h * (1 + eta)
      let gain = -expm1(-whole)
      x =
        try x * Float(target.deviation / level.deviation * decay)
        + clean * Float(target.alpha * gain)
      if let change = try change(history, h, whole, gain) {
        x = try x + change * Float(target.alpha)
      }
      if eta > 0, target.deviation > 0 {
        let up = target.deviation * (-expm1(-2 * eta * h)).squareRoot()
        x = try x + noise.normal(x.shape) * Float(up)
      }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }

  /// How many clean latents a step may look at.
  private func order(_ index: Int, of plan: NoisePlan) -> Int {
    let left = plan.levels.count - index
    let isShort = shortRunsEndInLowOrder && plan.count < 15
    // The logarithm has no end where there is no noise.
    if left == 1, endsInFirstOrder || isShort || plan.targets[index].sigma == 0 { return 1 }
    return left == 2 && isShort ? min(order, 2) : order
  }

  /// What changes of the clean latent, newest first, add to a step of width `h`.
  private func change(
    _ history: [(clean: Tensor, lambda: Double)], _ h: Double, _ whole: Double, _ gain: Double
  ) throws(TensorError) -> Tensor? {
    guard history.count > 1, h > 0 else { return nil }
    let first = (history[0].lambda - history[1].lambda) / h
    let slope = try (history[0].clean - history[1].clean) * Float(1 / first)
    let second = 1 - gain / whole
    guard history.count > 2 else { return try slope * Float(isHeun ? second : 0.5 * gain) }
    let before = (history[1].lambda - history[2].lambda) / h
    let bend =
      try (slope - (history[1].clean - history[2].clean) * Float(1 / before))
      * Float(1 / (first + before))
    return try (slope + bend * Float(first)) * Float(second)
      - bend * Float(second / whole - 0.5)
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
        curveRounding: .down))
    return unitPlan(levels, end: convention == .kDiffusion ? .clean : end ?? lastLevel)
  }
}
