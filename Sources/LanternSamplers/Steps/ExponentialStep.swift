import LanternPlatform

/// One step of an exponential integrator of DPM-Solver's family: the linear part solved exactly, and the
/// integrals of 1, of a first and of a second derivative against its exponential (Lu et al. 2022, arXiv:2206.00927 and arXiv:2211.01095).
///
/// A step of length 0 is the identity, and so is one whose length rounding has made negative.
struct ExponentialStep {
  /// Difference of the logarithms of signal-to-noise, infinite where no noise is left.
  let length: Double
  /// Factor of the latent.
  let kept: Double
  /// Factor of the integrated prediction: the clean latent or the noise.
  let value: Double
  /// Factor of the derivative over the step by the midpoint rule.
  let midpoint: Double
  /// Factor of the derivative over the step by the exact integral.
  let slope: Double
  /// Factor of the second derivative over the step.
  let bend: Double
  /// Standard deviation of the noise added.
  let fresh: Double

  /// A step.
  ///
  /// - Parameters:
  ///   - origin: the level at its start.
  ///   - target: the level at its end.
  ///   - integratesNoise: whether the noise is integrated rather than the clean latent.
  ///   - eta: share of fresh noise: 0 solves the ODE, 1 the SDE.
  ///   - hasWrongSign: whether the second derivative has the sign of diffusers' SDE of third order.
  init(
    from origin: NoiseLevel, to target: NoiseLevel, integratesNoise: Bool, eta: Double,
    hasWrongSign: Bool = false
  ) {
    let length = max(target.lambda - origin.lambda, 0)
    self.length = length
    guard !integratesNoise || target.deviation > 0 else {
      kept = 1 / origin.alpha
      value = -origin.deviation / origin.alpha
      (midpoint, slope, bend, fresh) = (0, 0, 0, 0)
      return
    }
    let exponent = integratesNoise ? length : -length * (1 + eta)
    let scale = integratesNoise ? -target.deviation * (1 + eta) : -target.alpha
    let weights = Self.weights(exponent)
    value = scale * weights.value
    midpoint = value / 2
    slope = scale * weights.slope
    bend = scale * (weights.bend + (hasWrongSign && eta > 0 ? 1 : 0))
    guard length > 0 else {
      (kept, fresh) = (1, 0)
      return
    }
    let decay = eta > 0 && !integratesNoise ? exp(-eta * length) : 1
    kept =
      integratesNoise
      ? target.alpha / origin.alpha : target.deviation / origin.deviation * decay
    guard eta > 0, target.deviation > 0 else {
      fresh = 0
      return
    }
    fresh =
      integratesNoise
      ? target.deviation * (eta * expm1(2 * length)).squareRoot()
      : target.deviation * (-expm1(-2 * eta * length)).squareRoot()
  }

  /// eᶻ − 1, (eᶻ − 1 − z) / z and (eᶻ − 1 − z) / z² − ½; near 0 by their series.
  private static func weights(_ z: Double) -> (value: Double, slope: Double, bend: Double) {
    if abs(z) < 1e-4 { return (expm1(z), z / 2 + z * z / 6, z / 6 + z * z / 24) }
    let slope = expm1(z) / z - 1
    return (expm1(z), slope, slope / z - 0.5)
  }
}
