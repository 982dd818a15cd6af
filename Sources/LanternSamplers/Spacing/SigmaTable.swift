#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The noise of each training step, and what lies between two of them.
struct SigmaTable: Sendable {
  /// Of each training step, rising.
  let sigmas: [Double]
  /// Their logarithms, f32 like the reference's.
  private let logs: [Float]

  init(_ schedule: NoiseSchedule) {
    sigmas = schedule.sigmas
    logs = sigmas.map { log(Float($0)) }
  }

  /// The least and the most noise.
  var ends: ClosedRange<Double> { sigmas[0]...sigmas[sigmas.count - 1] }

  /// Sigma at a timestep, by linear interpolation.
  func sigma(at timestep: Double) -> Double {
    let (below, share) = place(timestep)
    return sigmas[below] + (sigmas[below + 1] - sigmas[below]) * share
  }

  /// Sigma at a timestep, by interpolation of logarithms.
  func geometricSigma(at timestep: Double) -> Double {
    let (below, share) = place(timestep)
    return exp((1 - share) * Double(logs[below]) + share * Double(logs[below + 1]))
  }

  private func place(_ timestep: Double) -> (below: Int, share: Double) {
    let kept = min(max(timestep, 0), Double(sigmas.count - 1))
    let below = min(Int(kept), sigmas.count - 2)
    return (below, kept - Double(below))
  }

  /// The timestep of a sigma, by interpolation of logarithms, within those of training.
  func timestep(of sigma: Double) -> Double {
    let wanted = log(max(sigma, 1e-10))
    let above = logs.firstIndex { Double($0) > wanted } ?? logs.count
    let low = min(max(above - 1, 0), logs.count - 2)
    let (from, to) = (logs[low], logs[low + 1])
    let share = min(max((Double(from) - wanted) / Double(from - to), 0), 1)
    return (1 - share) * Double(low) + share * Double(low + 1)
  }

  /// The level of a sigma that is kept as f32, as references do.
  func level(
    _ sigma: Double, rounding: FloatingPointRoundingRule? = nil
  ) -> NoiseLevel {
    let timestep = timestep(of: sigma)
    return NoiseLevel(
      timestep: Float(rounding.map(timestep.rounded) ?? timestep), sigma: Double(Float(sigma)))
  }
}
