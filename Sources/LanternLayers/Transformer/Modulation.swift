package import LanternTensor

/// What a conditioning vector makes of a transformer block: `linear(silu(c))`, cut into scales, shifts and gates
/// of its norms and residuals (adaLN-Zero; Peebles & Xie 2022, arXiv:2212.09748).
package struct Modulation: Sendable {
  private let linear: Linear
  private let parts: Int

  /// - Parameters:
  ///   - linear: the weights, `[parts · features, conditioning]`.
  ///   - conditioning: features of the conditioning vector.
  ///   - features: of a token.
  ///   - parts: how many vectors it makes: 6 for a block of diffusers' `AdaLayerNormZero`, 2 for
  ///     `AdaLayerNormContinuous`.
  ///   - bias: whether the map has one.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ linear: Weights, conditioning: Int, features: Int, parts: Int, bias: Bool = true
  ) throws(ModelError) {
    self.linear = try Linear(linear, conditioning, parts * features, bias: bias)
    self.parts = parts
  }

  /// Scale and shift of a norm, each `[batch, feature]`.
  package struct Part: Sendable {
    package let scale: Tensor
    package let shift: Tensor

    package init(scale: Tensor, shift: Tensor) {
      self.scale = scale
      self.shift = shift
    }
  }

  /// Its vectors in the checkpoint's order, each `[batch, feature]`, of a conditioning `[batch, feature]`.
  package func callAsFunction(_ conditioning: Tensor) throws(TensorError) -> [Tensor] {
    let all = try linear(conditioning.applying(.silu))
    let size = all.shape[1] / parts
    return try (0..<parts).map { part throws(TensorError) in
      try all.sliced(axis: 1, part * size..<(part + 1) * size).contiguous()
    }
  }
}

/// The norms of a block and the gates of its residuals, by a conditioning vector: diffusers' `AdaLayerNormZero`, and with a
/// second attention its `SD35AdaLayerNormZeroX`.
package struct AdaLayerNormZero: Sendable {
  private let modulation: Modulation

  /// Takes `linear`, `[6 · features, conditioning]`, with a second attention `[9 · features, conditioning]`.
  package init(
    _ weights: Weights, conditioning: Int, features: Int, bias: Bool = true,
    hasSecondAttention: Bool = false
  ) throws(ModelError) {
    self.modulation = try Modulation(
      weights["linear"], conditioning: conditioning, features: features,
      parts: hasSecondAttention ? 9 : 6, bias: bias)
  }

  /// What one conditioning makes of a block's attention and of its feed-forward layer.
  package struct Parts: Sendable {
    package let attention: Modulation.Part
    /// `[batch, 1, feature]`.
    package let attentionGate: Tensor
    package let feedForward: Modulation.Part
    /// `[batch, 1, feature]`.
    package let feedForwardGate: Tensor
    /// Of the second attention, where there is one.
    package var second: AdaLayerNormZeroSingle.Parts?

    /// Shift, scale and gate of attention and of the feed-forward layer, each `[batch, feature]`.
    init(_ vectors: [Tensor]) throws(TensorError) {
      let shape = [vectors[0].shape[0], 1, vectors[0].shape[1]]
      attention = Modulation.Part(scale: vectors[1], shift: vectors[0])
      attentionGate = try vectors[2].reshaped(shape)
      feedForward = Modulation.Part(scale: vectors[4], shift: vectors[3])
      feedForwardGate = try vectors[5].reshaped(shape)
    }
  }

  package func callAsFunction(_ conditioning: Tensor) throws(TensorError) -> Parts {
    let parts = try modulation(conditioning)
    var found = try Parts(parts)
    if parts.count == 9 {
      let shape = found.attentionGate.shape
      found.second = AdaLayerNormZeroSingle.Parts(
        norm: Modulation.Part(scale: parts[7], shift: parts[6]),
        gate: try parts[8].reshaped(shape))
    }
    return found
  }
}

/// The norm of a block and the gate of its residual, by a conditioning vector: diffusers' `AdaLayerNormZeroSingle`.
package struct AdaLayerNormZeroSingle: Sendable {
  private let modulation: Modulation

  /// Takes `linear`, `[3 · features, conditioning]`.
  package init(
    _ weights: Weights, conditioning: Int, features: Int, bias: Bool = true
  ) throws(ModelError) {
    self.modulation = try Modulation(
      weights["linear"], conditioning: conditioning, features: features, parts: 3, bias: bias)
  }

  /// What one conditioning makes of a block.
  package struct Parts: Sendable {
    package let norm: Modulation.Part
    /// `[batch, 1, feature]`.
    package let gate: Tensor
  }

  package func callAsFunction(_ conditioning: Tensor) throws(TensorError) -> Parts {
    let parts = try modulation(conditioning)
    return Parts(
      norm: Modulation.Part(scale: parts[1], shift: parts[0]),
      gate: try parts[2].reshaped([parts[2].shape[0], 1, parts[2].shape[1]]))
  }
}

/// A norm by a conditioning vector, before a model's last linear map: diffusers' `AdaLayerNormContinuous`.
package struct AdaLayerNormContinuous: Sendable {
  private let modulation: Modulation
  private let norm: LayerNorm

  /// Takes `linear`, `[2 · features, conditioning]`, and where `isAffine` is set `norm`.
  package init(
    _ weights: Weights, conditioning: Int, features: Int, eps: Float = 1e-5, isAffine: Bool = true,
    bias: Bool = true
  ) throws(ModelError) {
    self.modulation = try Modulation(
      weights["linear"], conditioning: conditioning, features: features, parts: 2, bias: bias)
    self.norm = isAffine ? try LayerNorm(weights["norm"], features, eps: eps) : LayerNorm(eps: eps)
  }

  /// The shape of `x`, `[batch, token, feature]`, for a conditioning `[batch, feature]`.
  package func callAsFunction(_ x: Tensor, _ conditioning: Tensor) throws(TensorError) -> Tensor {
    let parts = try modulation(conditioning)
    return try norm(x, Modulation.Part(scale: parts[0], shift: parts[1]))
  }
}
