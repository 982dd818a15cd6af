import LanternTensor

/// Guidance without what lies along the answer with the prompt, which oversaturates (Sadat et al. 2024,
/// arXiv:2410.02416).
///
/// Equal to diffusers' `AdaptiveProjectedGuidance`.
public struct AdaptiveProjectedGuidance: Sendable, Equatable {
  /// How much of the part along the answer stays; 0 in the paper.
  public var parallel: Float
  /// The longest that a step of guidance may be; 0 for any.
  public var threshold: Float
  /// How much of the last steps' guidance is added; negative in the paper, 0 for none.
  public var momentum: Float

  /// Projection with its three numbers.
  public init(parallel: Float = 0, threshold: Float = 15, momentum: Float = 0) {
    self.parallel = parallel
    self.threshold = threshold
    self.momentum = momentum
  }

  /// One prediction of two, `[2, height, width, channel]`, without and with the prompt.
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
    // All of the change, less what lies along, more what of that stays.
    let update = try change + with * Float((Double(parallel) - 1) * along)
    return try without + update * scale
  }

  private static func product(_ a: Tensor, _ b: Tensor) throws(TensorError) -> Double {
    let (a, b) = (try a.floats(), try b.floats())
    return zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
