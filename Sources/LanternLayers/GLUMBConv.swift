package import LanternTensor

/// Mix-FFN: a gated feed-forward layer whose inner features take in their neighbours, diffusers' `GLUMBConv`
/// (Xie et al. 2024, arXiv:2410.10629, section 2.2).
package struct GLUMBConv: Sendable {
  private let inverted: Conv2d
  private let depth: DepthwiseConv2d
  private let point: Conv2d
  private let norm: ChannelRMSNorm?
  private let inner: Int

  /// Takes `conv_inverted`, `conv_depth`, `conv_point` and, where it is normalised, `norm`.
  ///
  /// - Parameters:
  ///   - weights: where they are.
  ///   - channels: of the picture.
  ///   - ratio: inner features to one of `channels`.
  ///   - isNormalized: whether the result is.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(_ weights: Weights, _ channels: Int, ratio: Double, isNormalized: Bool)
    throws(ModelError)
  {
    inner = Int(ratio * Double(channels))
    inverted = try Conv2d(weights["conv_inverted"], channels, 2 * inner, .pixel)
    depth = try DepthwiseConv2d(weights["conv_depth"], 2 * inner, size: 3)
    point = try Conv2d(weights["conv_point"], inner, channels, .pixel, bias: false)
    norm = isNormalized ? try ChannelRMSNorm(weights["norm"], channels) : nil
  }

  /// The shape of `x`, `[batch, height, width, channel]`, without a residual.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    let both = try depth(inverted(x, activation: .silu))
    let values = try both.sliced(axis: 3, 0..<inner).contiguous()
    let gates = try both.sliced(axis: 3, inner..<2 * inner).contiguous().applying(.silu)
    let found = try point(values * gates)
    return try norm.map { norm throws(TensorError) in try norm(found) } ?? found
  }
}

/// Division of each pixel by the root mean square of its channels, with a bias: diffusers' `RMSNorm` in `AutoencoderDC`.
package struct ChannelRMSNorm: Sendable {
  private let norm: RMSNorm
  private let bias: Tensor

  /// Takes `weight` and `bias`, `[channels]`.
  package init(_ weights: Weights, _ channels: Int) throws(ModelError) {
    norm = try RMSNorm(weights, channels, eps: 1e-5)
    bias = try weights.tensor("bias", [channels])
  }

  /// The shape of `x`, `[batch, height, width, channel]`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor { try norm(x) + bias }
}
