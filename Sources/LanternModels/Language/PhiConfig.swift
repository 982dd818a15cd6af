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
  /// Ids of the language model's own vocabulary.
  let vocabSize: Int
  /// Whether each head's queries and keys are normalised.
  package var hasHeadNorms: Bool
  var rope: RopeParameters
  var layerNormEps: Float
  var hiddenAct: Activation

  private static let harmless = TransformersSettings.harmless.union(["embd_pdrop", "resid_pdrop"])

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
      hasHeadNorms = try config.bool("qk_layernorm", default: false)
      vocabSize = try config.integer("vocab_size", default: 51200)
      hiddenAct = try TransformersSettings.activation(config, default: "gelu_new")
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    let sizes = [
      hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, maxPositionEmbeddings,
      vocabSize,
    ]
    guard sizes.allSatisfy({ (1...1_048_576).contains($0) }), hiddenSize % numAttentionHeads == 0,
      numHiddenLayers <= 1024, hiddenSize / numAttentionHeads <= 1024
    else {
      throw .inconsistent(
        reason: "sizes must be positive and num_attention_heads must divide hidden_size",
        file: config.file)
    }
    do throws(FormatError) {
      try rope.check(headSize: headSize, isWhole: false, config.file)
    } catch {
      throw .file(error)
    }
  }

  /// The settings of a language model of its own, whose head is no copy of its embeddings.
  ///
  /// - Throws: as ``init(_:)``, and for a head that is one.
  package init(untied config: Config) throws(ModelError) {
    do throws(FormatError) {
      try config.expect("tie_word_embeddings", [.bool(false)])
    } catch {
      throw .file(error)
    }
    try self.init(config)
  }

  var headSize: Int { hiddenSize / numAttentionHeads }
  package var sizes: DecoderSizes {
    DecoderSizes(
      vocabulary: vocabSize, features: hiddenSize, inner: intermediateSize, layers: numHiddenLayers,
      heads: numAttentionHeads, maximumLength: maxPositionEmbeddings)
  }
}
