import LanternPlatform
public import LanternTensor

/// The unified predictor-corrector: each prediction of the model first corrects the step before it
/// (Zhao et al. 2023, arXiv:2302.04867). Second order unless the scheduler's configuration has another.
///
/// Equal to diffusers' `UniPCMultistepScheduler`.
public struct UniPC: UnitVarianceSampler {
  private let clipping: Clipping
  private let order: Int
  private let isFirstKind: Bool
  private let endsInLowOrder: Bool
  private let integratesNoise: Bool
  private let uncorrected: Set<Int>

  /// With the order and the kind of the scheduler's configuration.
  public init(_ schedule: NoiseSchedule) {
    integratesNoise = schedule.solver.uniIntegratesNoise
    uncorrected = schedule.solver.uncorrectedSteps
    clipping = integratesNoise ? .none : schedule.settings.thresholding
    order = schedule.solver.order
    isFirstKind = schedule.solver.type == "bh1"
    endsInLowOrder = schedule.solver.lowerOrderFinal ?? true
  }

  /// Integer timesteps, or a curve of sigmas between the ends of the schedule.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.multistepPlan(count, spacing, for: "UniPCMultistepScheduler")
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var last = latent
    var history: [(value: Tensor, level: NoiseLevel)] = []
    var lastOrder = 1
    // Steps are counted from the first of the whole plan, also in image-to-image.
    let dropped = plan.count - plan.levels.count
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let found = try clipping.applied(to: denoise(x, level), of: x, at: level)
      let value = integratesNoise ? found.noise : found.clean
      if index > 0, !uncorrected.contains(dropped + index - 1) {
        x = try moved(last, to: level, Array(history.prefix(lastOrder)), found: value)
      }
      history.removeAll { $0.level.lambda >= level.lambda }
      history = Array(([(value, level)] + history).prefix(order))
      let left = plan.levels.count - index
      let isLow = endsInLowOrder || target.sigma == 0
      lastOrder = min(isLow ? min(order, left) : order, history.count)
      last = x
      x = try moved(x, to: target, Array(history.prefix(lastOrder)), found: nil)
      x = try onStep(plan.step(index, x, denoised: found.clean))
    }
    return x
  }

  /// A step from the newest level of `past` to another; with the prediction `found` there it is
  /// the corrector, without it the predictor.
  private func moved(
    _ x: Tensor, to target: NoiseLevel, _ past: [(value: Tensor, level: NoiseLevel)],
    found: Tensor?
  ) throws(TensorError) -> Tensor {
    let (newest, from) = past[0]
    let step = ExponentialStep(from: from, to: target, integratesNoise: integratesNoise, eta: 0)
    let h = step.length
    guard h > 0 else { return x }
    var end = try x * Float(step.kept) + newest * Float(step.value)
    // Without noise lambda is infinite.
    if integratesNoise, target.deviation == 0 { return end }
    var ratios = past.dropFirst().map { ($0.level.lambda - from.lambda) / h }
    var slopes: [Tensor] = []
    for (ratio, other) in zip(ratios, past.dropFirst()) {
      slopes.append(try (other.value - newest) * Float(1 / ratio))
    }
    if let found {
      ratios.append(1)
      slopes.append(try found - newest)
    }
    let exponent = integratesNoise ? h : -h
    let gain = expm1(exponent)
    let scale = isFirstKind ? exponent : gain
    let weight = integratesNoise ? target.deviation : target.alpha
    let factors = factors(ratios, exponent, gain, scale)
    for (factor, slope) in zip(factors, slopes) {
      end = try end - slope * Float(weight * scale * factor)
    }
    return end
  }

  /// The weights of differences at `ratios` of the step, exact for polynomials up to their number
  /// (equation 11 of the paper).
  private func factors(
    _ ratios: [Double], _ h: Double, _ gain: Double, _ scale: Double
  ) -> [Double] {
    // The weight of a single difference is ½ in the reference, whatever the step's length.
    if ratios.count < 2 { return ratios.map { _ in 0.5 } }
    var phi = gain / h - 1
    var factorial = 1.0
    var rows: [[Double]] = []
    for power in 0..<ratios.count {
      rows.append(ratios.map { pow($0, Double(power)) } + [phi * factorial / scale])
      factorial *= Double(power + 2)
      phi = phi / h - 1 / factorial
    }
    return Self.solved(rows)
  }

  /// The solution of a small linear system, each row with its right-hand side last.
  private static func solved(_ equations: [[Double]]) -> [Double] {
    var rows = equations
    for column in rows.indices {
      let pivot = rows.indices.suffix(from: column).max {
        abs(rows[$0][column]) < abs(rows[$1][column])
      }
      rows.swapAt(column, pivot ?? column)
      for row in rows.indices where row != column && rows[column][column] != 0 {
        let factor = rows[row][column] / rows[column][column]
        for index in rows[row].indices { rows[row][index] -= factor * rows[column][index] }
      }
    }
    return rows.indices.map { rows[$0][rows.count] / rows[$0][$0] }
  }
}
