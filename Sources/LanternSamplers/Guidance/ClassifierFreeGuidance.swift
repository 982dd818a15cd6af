public import LanternTensor

/// Classifier-free guidance: extrapolates from the prediction without the prompt (Ho & Salimans 2022, arXiv:2207.12598).
public struct ClassifierFreeGuidance: Sendable {
  /// The guidance scale; 1 is the conditional prediction, and 0 ignores the prompt.
  public var scale: Float

  /// Guidance of a scale.
  ///
  /// - Parameter scale: 1 and less mean no guidance: one evaluation of the model a step, not two.
  public init(scale: Float) { self.scale = scale }

  /// Whether the prediction without the prompt is needed.
  public var isActive: Bool { scale > 1 }

  /// `unconditional + scale · (conditional − unconditional)`.
  ///
  /// - Parameter both: predictions without and with the prompt, `[2, height, width, channel]`.
  /// - Returns: `[1, height, width, channel]`.
  /// - Throws: `TensorError` when there are not two.
  public func combined(_ both: Tensor) throws(TensorError) -> Tensor {
    let without = try both.sliced(axis: 0, 0..<1)
    let with = try both.sliced(axis: 0, 1..<2)
    return try without + (with - without) * scale
  }
}
