import LanternPlatform

/// The sigmas of the training steps, with interpolation between them.
struct SigmaTable: Sendable {
  /// The sigma of each training step, ascending.
  let sigmas: [Double]
  /// Logarithms of ``sigmas``, f32 as in the reference.
  private let logs: [Float]

  init(_ schedule: NoiseSchedule) {
    sigmas = schedule.sigmas
    logs = sigmas.map { log(Float($0)) }
  }

  /// The minimum and the maximum sigma.
  var ends: ClosedRange<Double> { sigmas[0]...sigmas[sigmas.count - 1] }

  /// Sigma at a timestep, by linear interpolation.
  func sigma(at timestep: Double) -> Double {
    let (below, share) = interval(timestep)
    return sigmas[below] + (sigmas[below + 1] - sigmas[below]) * share
  }

  /// Sigma at a timestep, by interpolation of logarithms.
  func geometricSigma(at timestep: Double) -> Double {
    let (below, share) = interval(timestep)
    return exp((1 - share) * Double(logs[below]) + share * Double(logs[below + 1]))
  }

  /// The training step below a timestep, and the fraction from there to the next.
  private func interval(_ timestep: Double) -> (below: Int, share: Double) {
    let kept = min(max(timestep, 0), Double(sigmas.count - 1))
    let below = min(Int(kept), sigmas.count - 2)
    return (below, kept - Double(below))
  }

  /// The timestep of a sigma, by interpolation of logarithms, clamped to the training steps.
  func timestep(of sigma: Double) -> Double {
    let wanted = log(max(sigma, 1e-10))
    let above = logs.firstIndex { Double($0) > wanted } ?? logs.count
    let low = min(max(above - 1, 0), logs.count - 2)
    let (from, to) = (logs[low], logs[low + 1])
    let share = min(max((Double(from) - wanted) / Double(from - to), 0), 1)
    return (1 - share) * Double(low) + share * Double(low + 1)
  }

  /// The level of a sigma, rounded to f32 as in the references.
  func level(
    _ sigma: Double, rounding: FloatingPointRoundingRule? = nil
  ) -> NoiseLevel {
    let timestep = timestep(of: sigma)
    return NoiseLevel(
      timestep: Float(rounding.map(timestep.rounded) ?? timestep), sigma: Double(Float(sigma)))
  }
}
