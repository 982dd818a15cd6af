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
  ///   - outputs: features that come out; `features` when nil.
  ///   - bias: whether the maps have one.
  ///   - activation: between both.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ first: Weights, _ second: Weights, _ features: Int, inner: Int, outputs: Int? = nil,
    bias: Bool = true, activation: Activation
  ) throws(ModelError) {
    self.first = .activated(try Linear(first, features, inner, bias: bias), activation)
    self.second = try Linear(second, inner, outputs ?? features, bias: bias)
  }

  /// `second(value · activation(gate))`, value and gate both of `first`: GEGLU with `.gelu` (Shazeer 2020,
  /// arXiv:2002.05202), as diffusers has it.
  ///
  /// - Parameters: as of ``init(_:_:_:inner:activation:)``.
  /// - Throws: as there.
  package init(
    gated first: Weights, _ second: Weights, _ features: Int, inner: Int,
    activation: Activation = .gelu
  ) throws(ModelError) {
    self.first = .gated(try GatedLinear(first, features, inner, activation: activation))
    self.second = try Linear(second, inner, features)
  }

  /// `second(value · activation(gate))`, gate and value both of `first`, without biases, as FLUX.2 has it.
  ///
  /// - Parameters: as of ``init(_:_:_:inner:activation:)``.
  /// - Throws: as there.
  package init(
    gatesFirst first: Weights, _ second: Weights, _ features: Int, inner: Int,
    activation: Activation
  ) throws(ModelError) {
    self.first = .gated(
      try GatedLinear(gatesFirst: first, features, inner, activation: activation))
    self.second = try Linear(second, inner, features, bias: false)
  }

  /// `down_proj(up_proj(x) · activation(gate_proj(x)))`: SwiGLU with `.silu`, GEGLU with `.gelu` or `.geluTanh`,
  /// as transformers' Llama and its kin have it.
  ///
  /// - Parameters:
  ///   - weights: where the three maps are.
  ///   - features: of a token.
  ///   - inner: features between.
  ///   - activation: of the gates.
  ///   - bias: whether the maps have one.
  ///   - isFused: whether both maps up are `gate_up_proj`, gates first and without biases, as Phi-3's.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    gated weights: Weights, _ features: Int, inner: Int, activation: Activation, bias: Bool,
    isFused: Bool = false
  ) throws(ModelError) {
    self.first = .gated(
      isFused
        ? try GatedLinear(
          gatesFirst: weights["gate_up_proj"], features, inner, activation: activation)
        : try GatedLinear(
          values: weights["up_proj"], gates: weights["gate_proj"], features, inner, bias: bias,
          activation: activation))
    self.second = try Linear(weights["down_proj"], inner, features, bias: bias)
  }

  /// `second(values(x) · activation(gates(x)))`, without biases, as transformers' T5 has it.
  ///
  /// - Parameters:
  ///   - values: the weights of the map of values.
  ///   - gates: those of the map of gates.
  ///   - second: those of the map back.
  ///   - features: of a token.
  ///   - inner: features between.
  ///   - activation: of the gates.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    values: Weights, gates: Weights, _ second: Weights, _ features: Int, inner: Int,
    activation: Activation
  ) throws(ModelError) {
    self.first = .gated(
      try GatedLinear(
        values: values, gates: gates, features, inner, bias: false, activation: activation))
    self.second = try Linear(second, inner, features, bias: false)
  }

  /// `residual + feedForward(x)`, without a residual where a gate is to come before it; both
  /// `[batch, token, feature]`.
  package func callAsFunction(_ x: Tensor, residual: consuming Tensor? = nil) throws(TensorError)
    -> Tensor
  {
    let inner =
      switch first {
      case .activated(let linear, let activation): try linear(x, activation: activation)
      case .gated(let linear): try linear(x)
      }
    return try second(inner, residual: residual)
  }
}
