package import LanternTensor

/// Normalisation of each token, as `torch.nn.LayerNorm`.
package struct LayerNorm: Sendable {
  private let weight: Tensor
  private let bias: Tensor
  private let eps: Float

  /// Takes `weight` and `bias`, `[features]`.
  package init(_ weights: Weights, _ features: Int, eps: Float = 1e-5) throws(ModelError) {
    self.weight = try weights.tensor("weight", [features])
    self.bias = try weights.tensor("bias", [features])
    self.eps = eps
  }

  /// The shape of `x`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    try x.layerNorm(weight: weight, bias: bias, eps: eps)
  }
}
