import LanternTensor

/// Rescaled guidance: restores the standard deviation of the conditional prediction, against overexposure (Lin et al. 2023, arXiv:2305.08891,
/// section 3.4).
///
/// Equal to diffusers' `guidance_rescale`.
public struct RescaledGuidance: Sendable {
  /// φ of the paper: 0 for no rescaling, 1 for all; 0.7 in the paper.
  public var share: Float

  /// Rescaling by a share.
  public init(share: Float) { self.share = share }

  /// A guided prediction, rescaled toward the standard deviation of the one with the prompt.
  ///
  /// - Parameters:
  ///   - guided: `[1, height, width, channel]`.
  ///   - with: the prediction with the prompt, of the same shape.
  /// - Returns: the same shape.
  /// - Throws: ``TensorError``.
  func applied(to guided: Tensor, spreadOf with: Tensor) throws(TensorError) -> Tensor {
    guard share > 0 else { return guided }
    let spread = try Self.deviation(guided)
    guard spread > 0 else { return guided }
    let ratio = try Self.deviation(with) / spread
    return try guided * (share * Float(ratio) + 1 - share)
  }

  private static func deviation(_ tensor: Tensor) throws(TensorError) -> Double {
    let values = try tensor.floats().map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(max(values.count - 1, 1))).squareRoot()
  }
}
