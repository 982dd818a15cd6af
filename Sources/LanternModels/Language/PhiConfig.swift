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
  var rope: RopeParameters
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
      layerNormEps = try config.float("layer_norm_eps", default: 1e-5)
      rope = try RopeParameters(config, partialFactor: 0.5, length: maxPositionEmbeddings)
      try config.expect("num_key_value_heads", [.null, .integer(numAttentionHeads)])
      // Show-o's transformer has norms of queries and keys, whatever the language model's file says.
      _ = try config.optionalBool("qk_layernorm")
      hiddenAct = try TransformersSettings.activation(config, default: "gelu_new")
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    let sizes = [
      hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, maxPositionEmbeddings,
    ]
    guard sizes.allSatisfy({ (1...1_048_576).contains($0) }), hiddenSize % numAttentionHeads == 0,
      numHiddenLayers <= 1024, hiddenSize / numAttentionHeads <= 1024
    else {
      throw .inconsistent(
        reason: "sizes must be positive and num_attention_heads must divide hidden_size",
        file: config.file)
    }
  }

  var headSize: Int { hiddenSize / numAttentionHeads }
}
