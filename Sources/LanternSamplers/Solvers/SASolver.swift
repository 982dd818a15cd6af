import LanternPlatform
public import LanternTensor

/// Stochastic Adams method: predictor and corrector of the SDE, with noise only in the middle of the
/// schedule (Xue et al. 2023, arXiv:2309.05019).
///
/// Equal to diffusers' `SASolverScheduler`: noise from timestep 200 to 800. Where the configuration says
/// `noise_prediction`, it integrates the noise rather than the clean latent.
public struct SASolver: UnitVarianceSampler {
  private let clipping: Clipping
  private let predictorOrder: Int
  private let correctorOrder: Int
  private let endsInLowOrder: Bool
  private let integratesNoise: Bool
  private let eta: Double

  /// With the orders of the scheduler's configuration.
  ///
  /// - Parameters:
  ///   - schedule: the model's.
  ///   - eta: the paper's τ within that interval; 0 solves the ODE.
  public init(_ schedule: NoiseSchedule, eta: Float = 1) {
    clipping = schedule.settings.thresholding
    predictorOrder = schedule.solver.predictorOrder
    correctorOrder = schedule.solver.correctorOrder
    endsInLowOrder = schedule.solver.lowerOrderFinal ?? true
    integratesNoise = schedule.solver.integratesNoise
    self.eta = Double(eta)
  }

  /// Integer timesteps, or a curve of sigmas between the ends of the schedule.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.multistepPlan(
      count, spacing, for: "SASolverScheduler",
      end: schedule.firstTrainingLevel)
  }

  /// Draws noise in every step, also where its weight is 0.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var history: [Found] = []
    var last: (x: Tensor, noise: Tensor, corrector: Int)?
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let answer = try clipping.applied(to: denoise(x, level), of: x, at: level)
      let value = integratesNoise ? answer.noise : answer.clean
      if let last, let before = history.first {
        let known = Array(([Found(value, level)] + history).prefix(last.corrector))
        x = try moved(last.x, from: before.level, to: level, known, last.noise, corrects: true)
      }
      history.removeAll { $0.level.lambda >= level.lambda }
      history = Array(
        ([Found(value, level)] + history).prefix(max(predictorOrder, correctorOrder - 1)))
      let left = plan.levels.count - index
      let low = endsInLowOrder || target.sigma == 0
      let fresh = try noise.normal(x.shape)
      last = (
        x, fresh,
        min(low ? min(correctorOrder, left + 1) : correctorOrder, index + 2)
      )
      let order = min(low ? min(predictorOrder, left) : predictorOrder, index + 1)
      x = try moved(
        x, from: level, to: target, Array(history.prefix(order)), fresh, corrects: false)
      x = try onStep(plan.step(index, x, denoised: answer.clean))
    }
    return x
  }

  private struct Found {
    let value: Tensor
    let level: NoiseLevel

    init(_ value: Tensor, _ level: NoiseLevel) {
      self.value = value
      self.level = level
    }
  }

  /// One step of the predictor or the corrector, by the predictions known, newest first.
  private func moved(
    _ x: Tensor, from level: NoiseLevel, to target: NoiseLevel, _ known: [Found],
    _ noise: Tensor, corrects: Bool
  ) throws(TensorError) -> Tensor {
    let isOn = level.timestep >= 200 && level.timestep <= 800
    let tau = isOn ? eta : 0
    let rate = 1 + tau * tau
    let h = target.lambda - level.lambda
    guard h > 0 else { return x }
    let exponent = integratesNoise ? -1 : rate
    var factors = Self.factors(
      known.map { $0.level.lambda - target.lambda }, over: h, rate: exponent)
    if known.count == 2, !integratesNoise {
      // The reference's correction for steps of uneven width, in the paper's appendix.
      let exact = (h * rate - 1 + exp(-rate * h)) / (rate * rate)
      let width = corrects ? h : level.lambda - known[1].level.lambda
      let extra = (h * h / 2 - exact) / width
      factors[0] += extra
      factors[1] -= extra
    }
    let decay = tau > 0 && !integratesNoise ? exp(-tau * tau * h) : 1
    let kept =
      integratesNoise ? target.alpha / level.alpha : decay * target.deviation / level.deviation
    let scale = rate * (integratesNoise ? -target.deviation : target.alpha)
    var end = try x * Float(kept)
    for (factor, found) in zip(factors, known) {
      end = try end + found.value * Float(scale * factor)
    }
    guard tau > 0 else { return end }
    let up =
      integratesNoise
      ? tau * target.deviation * expm1(2 * h).squareRoot()
      : target.deviation * (-expm1(-2 * tau * tau * h)).squareRoot()
    return try end + noise * Float(up)
  }

  /// The integrals of Lagrange polynomials through `points` times `exp(rate · lambda)`, where lambda
  /// is counted from the end of the step, which is `h` wide.
  private static func factors(
    _ points: [Double], over h: Double, rate: Double
  ) -> [Double] {
    // Of 1, lambda, lambda² against the exponential, by parts.
    let decay = exp(-rate * h)
    var moments = [-expm1(-rate * h) / rate]
    for power in points.indices.dropFirst() {
      let edge = pow(-h, Double(power)) * decay
      moments.append((0 - edge - Double(power) * moments[power - 1]) / rate)
    }
    return points.indices.map { index in
      // The polynomial that is 1 at one point and 0 at the others, by rising powers.
      var polynomial = [1.0]
      for (other, point) in points.enumerated() where other != index {
        let width = points[index] - point
        let shifted = [0] + polynomial
        for power in polynomial.indices { polynomial[power] *= -point }
        polynomial = zip(polynomial + [0], shifted).map { ($0 + $1) / width }
      }
      return zip(polynomial, moments).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }
}
