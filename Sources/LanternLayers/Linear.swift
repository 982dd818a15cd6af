package import LanternTensor

/// A linear map over the last axis, as `torch.nn.Linear`.
package struct Linear: Sendable {
  private let weight: PackedMatrix
  private let bias: Tensor?

  /// Takes `weight`, `[outputs, inputs]`, and where `bias` is set `bias`, `[outputs]`.
  package init(_ weights: Weights, _ inputs: Int, _ outputs: Int, bias: Bool = true)
    throws(ModelError)
  {
    self.weight = try weights.matrix("weight", outputs, inputs)
    self.bias =
      bias ? try weights.tensor("bias", [outputs]) : try weights.addedBias([outputs])
  }

  /// Some of the outputs of a map of `outputs`: a head of which only part is computed.
  package init(
    _ weights: Weights, _ inputs: Int, _ outputs: Int, rows: Range<Int>, bias: Bool = true
  ) throws(ModelError) {
    self.weight = try weights.matrix("weight", outputs, inputs, rows: rows)
    let all = bias ? try weights.tensor("bias", [outputs]) : nil
    do {
      self.bias = try all?.sliced(axis: 0, rows).contiguous()
    } catch {
      throw .tensor(error)
    }
  }

  /// `[…, outputs]` of `[…, inputs]`, with the activation applied before the residual is added.
  package func callAsFunction(
    _ x: Tensor, activation: Activation = .identity, residual: consuming Tensor? = nil
  ) throws(TensorError) -> Tensor {
    try x.linear(weight, bias: bias, activation: activation, residual: residual)
  }
}

/// A linear map whose outputs are gated by as many others (GEGLU, SwiGLU; Shazeer 2020, arXiv:2002.05202).
package struct GatedLinear: Sendable {
  private let weight: PackedMatrix
  private let bias: Tensor?
  private let activation: Activation

  /// Takes `weight`, `[2 · outputs, inputs]`, and `bias`, `[2 · outputs]`: values, then gates.
  package init(_ weights: Weights, _ inputs: Int, _ outputs: Int, activation: Activation)
    throws(ModelError)
  {
    self.weight = try weights.gatedMatrix("weight", outputs, inputs)
    self.bias = try weights.tensor("bias", [2 * outputs])
    self.activation = activation
  }

  /// Takes `weight`, `[others + 2 · outputs, inputs]`: rows of another map, then gates, then values, without biases.
  package init(
    gatesFirst weights: Weights, _ inputs: Int, _ outputs: Int, behind others: Int = 0,
    activation: Activation
  ) throws(ModelError) {
    self.weight = try weights.gatedMatrix(
      "weight", outputs, inputs, gatesFirst: true, behind: others)
    self.bias = nil
    self.activation = activation
  }

  /// Takes `weight`, `[outputs, inputs]`, and where `bias` is set `bias`, `[outputs]`, of values and of gates.
  package init(
    values: Weights, gates: Weights, _ inputs: Int, _ outputs: Int, bias: Bool,
    activation: Activation
  ) throws(ModelError) {
    self.weight = try values.gatedMatrix("weight", gates: gates, outputs, inputs)
    let biases =
      bias
      ? (try values.tensor("bias", [outputs]), try gates.tensor("bias", [outputs]))
      : (try values.addedBias([outputs]), try gates.addedBias([outputs]))
    do {
      let none = try Tensor(repeating: 0, shape: [outputs])
      self.bias =
        biases.0 == nil && biases.1 == nil
        ? nil : try Tensor.concatenated([biases.0 ?? none, biases.1 ?? none], axis: 0)
    } catch {
      throw .tensor(error)
    }
    self.activation = activation
  }

  /// `[…, outputs]` of `[…, inputs]`.
  package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    try x.gatedLinear(weight, bias: bias, activation: activation)
  }
}
