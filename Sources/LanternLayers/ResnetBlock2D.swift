package import LanternTensor

/// Two normalised 3×3 convolutions around a shortcut (He et al. 2016, arXiv:1603.05027), with the
/// time embedding added between them. The workhorse of U-Nets and autoencoders.
package struct ResnetBlock2D: Sendable {
  private let norm1: GroupNorm
  private let conv1: Conv2d
  private let timeProjection: Linear?
  private let norm2: GroupNorm
  private let conv2: Conv2d
  private let shortcut: Conv2d?

  /// - Parameters:
  ///   - weights: the cursor at its tensors.
  ///   - inputs: channels of its input.
  ///   - outputs: channels of its output.
  ///   - timeFeatures: size of the time embedding; nil for blocks without one.
  ///   - groups: of both norms.
  ///   - eps: of both norms.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, _ inputs: Int, _ outputs: Int, timeFeatures: Int? = nil, groups: Int,
    eps: Float
  ) throws(ModelError) {
    self.norm1 = try GroupNorm(weights["norm1"], groups: groups, channels: inputs, eps: eps)
    self.conv1 = try Conv2d(weights["conv1"], inputs, outputs, .same3)
    if let timeFeatures {
      self.timeProjection = try Linear(weights["time_emb_proj"], timeFeatures, outputs)
    } else {
      self.timeProjection = nil
    }
    self.norm2 = try GroupNorm(weights["norm2"], groups: groups, channels: outputs, eps: eps)
    self.conv2 = try Conv2d(weights["conv2"], outputs, outputs, .same3)
    self.shortcut =
      inputs == outputs
      ? nil
      : try Conv2d(
        weights.either("conv_shortcut", "nin_shortcut"), inputs, outputs, .pixel)
  }

  /// The sum of the shortcut and the two convolutions.
  ///
  /// - Parameters:
  ///   - x: `[batch, height, width, inputs]`.
  ///   - time: SiLU of the time embedding, `[batch, timeFeatures]`.
  /// - Returns: `[batch, height, width, outputs]`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func callAsFunction(_ x: consuming Tensor, time: Tensor? = nil)
    throws(TensorError) -> Tensor
  {
    var timeBias: Tensor?
    if let time, let timeProjection { timeBias = try timeProjection(time) }
    // Inputs are consumed after their last use, so that the norms may work in place.
    let straight = if let shortcut { try shortcut(x) } else { copy x }
    let h = try conv1(norm1(consume x, silu: true), batchBias: timeBias)
    return try conv2(norm2(consume h, silu: true), residual: consume straight)
  }
}
