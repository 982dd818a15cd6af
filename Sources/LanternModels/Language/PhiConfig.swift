package import LanternFormats
package import LanternLayers
import LanternTensor

/// The settings of a Phi decoder, read from transformers' `config.json` of model type `phi`.
package struct PhiConfig: Sendable {
  package var hiddenSize: Int
  package var intermediateSize: Int
  package var numHiddenLayers: Int
  package var numAttentionHeads: Int
  /// Tokens that the positions were trained for.
  package var maxPositionEmbeddings: Int
  var partialRotaryFactor: Float
  var ropeTheta: Float
  var layerNormEps: Float
  var hiddenAct: Activation

  /// Settings of training and generation, names, and sizes of a vocabulary that Show-o replaces.
  private static let harmless = TransformersSettings.harmless.union([
    "embd_pdrop", "resid_pdrop", "vocab_size",
  ])

  /// Reads the settings; absent ones are Phi-1.5's.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      hiddenSize = try config.integer("hidden_size", default: 2048)
      intermediateSize = try config.integer("intermediate_size", default: 8192)
      numHiddenLayers = try config.integer("num_hidden_layers", default: 24)
      numAttentionHeads = try config.integer("num_attention_heads", default: 32)
      maxPositionEmbeddings = try config.integer("max_position_embeddings", default: 2048)
      partialRotaryFactor = try config.float("partial_rotary_factor", default: 0.5)
      layerNormEps = try config.float("layer_norm_eps", default: 1e-5)
      ropeTheta = try config.float("rope_theta", default: 10000)
      try config.expect("num_key_value_heads", [.null, .integer(numAttentionHeads)])
      try config.expect("rope_scaling", [.null])
      // Show-o's transformer has norms of queries and keys, whatever the language model's file says.
      _ = try config.optionalBool("qk_layernorm")
      let name = try config.string("hidden_act", default: "gelu_new")
      let known: [String: Activation] = [
        "gelu": .gelu, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh, "relu": .relu,
        "silu": .silu,
      ]
      guard let act = known[name] else {
        throw FormatError.unsupportedSetting(key: "hidden_act", value: name, file: config.file)
      }
      hiddenAct = act
      if let parameters = try config.optionalRopeParameters() {
        ropeTheta = parameters.theta ?? ropeTheta
        partialRotaryFactor = parameters.partial ?? partialRotaryFactor
      }
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    let sizes = [
      hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, maxPositionEmbeddings,
    ]
    guard sizes.allSatisfy({ (1...1_048_576).contains($0) }), hiddenSize % numAttentionHeads == 0,
      numHiddenLayers <= 1024, hiddenSize / numAttentionHeads <= 1024,
      (0...1).contains(partialRotaryFactor), ropeTheta > 0
    else {
      throw .inconsistent(
        reason: "sizes must be positive, num_attention_heads must divide hidden_size, and "
          + "partial_rotary_factor lie in 0…1",
        file: config.file)
    }
  }

  var headSize: Int { hiddenSize / numAttentionHeads }
  var rotatedFeatures: Int { Int(partialRotaryFactor * Float(headSize)) / 2 * 2 }
}

extension Config {
  /// transformers 5 keeps the rotation's settings in an object of their own.
  fileprivate func optionalRopeParameters() throws(FormatError) -> (
    theta: Float?, partial: Float?
  )? {
    guard let members = value("rope_parameters")?.object else { return nil }
    let inner = Config(members, file: file)
    try inner.expect("rope_type", [.string("default")])
    let found = (
      theta: try inner.optionalFloat("rope_theta"),
      partial: try inner.optionalFloat("partial_rotary_factor")
    )
    try inner.finishStrictly()
    return found
  }
}
