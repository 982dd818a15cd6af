package import LanternTensor

/// A transformer block's feed-forward layer: a linear map, an activation or a gate, and a linear map back.
package struct FeedForward: Sendable {
  private enum First: Sendable {
    case activated(Linear, Activation)
    case gated(GatedLinear)
  }

  private let first: First
  private let second: Linear

  /// `second(activation(first(x)))`.
  ///
  /// - Parameters:
  ///   - first: the weights of the map from `features` to `inner`.
  ///   - second: those of the map back.
  ///   - features: of a token.
  ///   - inner: features between both.
  ///   - activation: between both.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ first: Weights, _ second: Weights, _ features: Int, inner: Int, activation: Activation
  ) throws(ModelError) {
    self.first = .activated(try Linear(first, features, inner), activation)
    self.second = try Linear(second, inner, features)
  }

  /// `second(value · gelu(gate))`, value and gate both of `first` (GEGLU; Shazeer 2020,
  /// arXiv:2002.05202).
  ///
  /// - Parameters: as of ``init(_:_:_:inner:activation:)``.
  /// - Throws: as there.
  package init(gated first: Weights, _ second: Weights, _ features: Int, inner: Int)
    throws(ModelError)
  {
    self.first = .gated(try GatedLinear(first, features, inner))
    self.second = try Linear(second, inner, features)
  }

  /// `residual + feedForward(x)`; both `[batch, token, feature]`.
  package func callAsFunction(_ x: Tensor, residual: consuming Tensor) throws(TensorError) -> Tensor
  {
    let inner =
      switch first {
      case .activated(let linear, let activation): try linear(x, activation: activation)
      case .gated(let linear): try linear(x)
      }
    return try second(inner, residual: residual)
  }
}
