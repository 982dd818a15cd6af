package import LanternTensor

/// Normalisation of each token, as `torch.nn.LayerNorm`.
package struct LayerNorm: Sendable {
  private let weight: Tensor?
  private let bias: Tensor?
  private let eps: Float

  /// Takes `weight` and `bias`, `[features]`; `gamma` and `beta` in files from TensorFlow's days.
  package init(_ weights: Weights, _ features: Int, eps: Float = 1e-5) throws(ModelError) {
    let isOld = weights.has("gamma")
    self.weight = try weights.tensor(isOld ? "gamma" : "weight", [features])
    self.bias = try weights.tensor(isOld ? "beta" : "bias", [features])
    self.eps = eps
  }

  /// A norm without weights: `elementwise_affine=False`.
  package init(eps: Float) {
    self.weight = nil
    self.bias = nil
    self.eps = eps
  }

  /// The shape of `x`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    try x.layerNorm(weight: weight, bias: bias, eps: eps)
  }

  /// `norm(x) · (1 + scale) + shift`, in one pass: the shape of `x`, `[batch, token, feature]`.
  package func callAsFunction(_ x: Tensor, _ modulation: Modulation.Part) throws(TensorError)
    -> Tensor
  {
    var scale = try modulation.scale.scaled(by: 1, plus: 1)
    var shift = modulation.shift
    if let bias { shift = try bias * scale + shift }
    if let weight { scale = try weight * scale }
    return try x.layerNorm(weight: scale, bias: shift, eps: eps)
  }
}
