package import LanternTensor

/// Division of each token by its root mean square (Zhang & Sennrich 2019, arXiv:1910.07467), as
/// `torch.nn.RMSNorm` and transformers' `LlamaRMSNorm`.
package struct RMSNorm: Sendable {
  private let weight: Tensor
  private let eps: Float

  /// Takes `weight`, `[features]`.
  ///
  /// - Parameters:
  ///   - weights: where it is.
  ///   - features: of a token.
  ///   - eps: added to the mean square.
  ///   - addsUnitOffset: whether the scale is 1 + `weight`, as in Gemma.
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, _ features: Int, eps: Float, addsUnitOffset: Bool = false
  ) throws(ModelError) {
    let weight = try weights.tensor("weight", [features])
    do {
      self.weight = addsUnitOffset ? try weight.scaled(by: 1, plus: 1) : weight
    } catch {
      throw .tensor(error)
    }
    self.eps = eps
  }

  /// The shape of `x`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    try x.rmsNorm(weight: weight, eps: eps)
  }
}
