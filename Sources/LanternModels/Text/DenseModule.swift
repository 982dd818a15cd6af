package import LanternFormats
package import LanternLayers
package import LanternTensor

/// What makes vectors of texts' vectors.
package protocol VectorModule: Sendable {
  /// Features that go in, and come out.
  var inputs: Int { get }
  var outputs: Int { get }

  /// `[text, outputs]` of `[text, inputs]`.
  func callAsFunction(_ vectors: Tensor) throws(TensorError) -> Tensor
}

/// A linear map of texts' vectors with an activation: sentence-transformers' `Dense`.
package struct DenseModule: VectorModule {
  private let linear: Linear
  private let activation: Activation
  package let inputs: Int, outputs: Int

  /// Builds the map of its settings and weights.
  ///
  /// - Throws: ``ModelError`` for a setting that is not here, and when a tensor is missing, unused, of another shape, or
  ///   not finite.
  package init(_ config: Config, _ weights: Weights) throws(ModelError) {
    let hasBias: Bool
    do throws(FormatError) {
      inputs = try config.integer("in_features")
      outputs = try config.integer("out_features")
      hasBias = try config.bool("bias", default: true)
      let name = try config.string("activation_function", default: "Tanh")
      guard let known = Self.activations[String(name.split(separator: ".").last ?? "")] else {
        throw .unsupportedSetting(key: "activation_function", value: name, file: config.file)
      }
      activation = known
      for key in ["module_input_name", "module_output_name"] {
        try config.expect(key, [.string("sentence_embedding")])
      }
      try config.expect("use_residual", [.bool(false)])
      try config.finish()
    } catch {
      throw .file(error)
    }
    guard (1...1 << 20).contains(inputs), (1...1 << 20).contains(outputs) else {
      throw .inconsistent(reason: "sizes must be positive", file: config.file)
    }
    linear = try Linear(weights["linear"], inputs, outputs, bias: hasBias)
    try weights.finish()
  }

  private static let activations: [String: Activation] = [
    "Identity": .identity, "Tanh": .tanh, "ReLU": .relu, "GELU": .gelu, "SiLU": .silu,
  ]

  package func callAsFunction(_ vectors: Tensor) throws(TensorError) -> Tensor {
    try linear(vectors, activation: activation)
  }
}
