import LanternTensor

/// Adaptive projected guidance: guidance without its component parallel to the prediction with the prompt,
/// which oversaturates (Sadat et al. 2024, arXiv:2410.02416).
///
/// Equal to diffusers' `AdaptiveProjectedGuidance`.
public struct AdaptiveProjectedGuidance: Sendable, Equatable {
  /// Weight η of the parallel component; 0 in the paper.
  public var parallel: Float
  /// Maximum norm r of the guidance; 0 for no limit.
  public var threshold: Float
  /// Momentum β over past steps; negative in the paper, 0 for none.
  public var momentum: Float

  /// Projected guidance with its parameters.
  public init(parallel: Float = 0, threshold: Float = 15, momentum: Float = 0) {
    self.parallel = parallel
    self.threshold = threshold
    self.momentum = momentum
  }

  /// The guided prediction of two, `[2, height, width, channel]`, without and with the prompt.
  func combined(
    _ both: Tensor, scale: Float, _ past: inout Tensor?
  ) throws(TensorError) -> Tensor {
    let without = try both.sliced(axis: 0, 0..<1)
    let with = try both.sliced(axis: 0, 1..<2)
    var change = try with - without
    if momentum != 0 {
      if let past { change = try change + past * momentum }
      past = change
    }
    let length = try Self.product(change, change).squareRoot()
    if threshold > 0, length > Double(threshold) {
      change = try change * Float(Double(threshold) / length)
    }
    let size = try Self.product(with, with)
    let along = size > 0 ? try Self.product(change, with) / size : 0
    // change − parallel component + weight · parallel component.
    let update = try change + with * Float((Double(parallel) - 1) * along)
    return try without + update * scale
  }

  private static func product(_ a: Tensor, _ b: Tensor) throws(TensorError) -> Double {
    let (a, b) = (try a.floats(), try b.floats())
    return zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
