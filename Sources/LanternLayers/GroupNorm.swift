package import LanternTensor

/// Group normalisation over channels-last pictures, as `torch.nn.GroupNorm`.
package struct GroupNorm: Sendable {
  private let groups: Int
  private let weight: Tensor
  private let bias: Tensor
  private let eps: Float

  /// Takes `weight` and `bias`, `[channels]`.
  package init(_ weights: Weights, groups: Int, channels: Int, eps: Float) throws(ModelError) {
    self.groups = groups
    self.weight = try weights.tensor("weight", [channels])
    self.bias = try weights.tensor("bias", [channels])
    self.eps = eps
  }

  /// The shape of `x`; `silu` applies `x · sigmoid(x)` to the result in the same pass.
  package func callAsFunction(_ x: consuming Tensor, silu: Bool = false) throws(TensorError)
    -> Tensor
  {
    try (consume x).groupNorm(groups: groups, weight: weight, bias: bias, eps: eps, silu: silu)
  }
}
