package import LanternFormats
package import LanternLayers
import LanternTensor

/// The settings of T5, read from transformers' `config.json`.
package struct T5Config: Sendable {
  let vocabulary: Int
  let features: Int
  let headSize: Int
  let heads: Int
  let inner: Int
  let encoderLayers: Int
  let decoderLayers: Int
  let buckets: Int
  let maximumDistance: Int
  let normEps: Float
  let activation: Activation
  /// Whether the feed-forward layer is gated.
  let isGated: Bool
  /// Whether each layer has biases by distance of its own, as umT5's, and not the first one's.
  let hasBiases: Bool
  /// Whether the decoder's last states are scaled before the head.
  let scalesOutput: Bool
  /// The token that the decoder begins with.
  let startToken: Int

  private static let harmless = TransformersSettings.harmless.union([
    "classifier_dropout", "decoder_start_token_id", "dense_act_fn", "dropout_rate",
    "initializer_factor", "is_gated_act", "n_positions", "output_past", "scalable_attention",
    "task_specific_params", "tokenizer_class", "vocab_size",
  ])

  /// Reads the settings; absent ones are those of the class.
  ///
  /// - Parameters:
  ///   - config: the settings.
  ///   - hasBiases: whether each layer has biases by distance of its own: umT5.
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` for impossible sizes.
  package init(_ config: Config, hasBiases: Bool = false) throws(ModelError) {
    self.hasBiases = hasBiases
    do throws(FormatError) {
      vocabulary = try config.integer("vocab_size", default: hasBiases ? 250_112 : 32128)
      features = try config.integer("d_model", default: 512)
      headSize = try config.integer("d_kv", default: 64)
      heads = try config.integer("num_heads", default: hasBiases ? 6 : 8)
      inner = try config.integer("d_ff", default: hasBiases ? 1024 : 2048)
      encoderLayers = try config.integer("num_layers", default: hasBiases ? 8 : 6)
      decoderLayers = try config.integer("num_decoder_layers", default: encoderLayers)
      buckets = try config.integer("relative_attention_num_buckets", default: 32)
      maximumDistance = try config.integer("relative_attention_max_distance", default: 128)
      normEps = try config.float("layer_norm_epsilon", default: 1e-6)
      let name = try config.string(
        "feed_forward_proj", default: hasBiases ? "gated-gelu" : "relu")
      isGated = name.hasPrefix("gated-")
      activation =
        name == "gated-gelu"
        ? .geluTanh
        : try TransformersSettings.activation(
          named: isGated ? String(name.dropFirst("gated-".count)) : name,
          key: "feed_forward_proj", file: config.file)
      // Tied tables were what said so before transformers 5.
      let isTied = try config.bool("tie_word_embeddings", default: true)
      scalesOutput = try config.bool("scale_decoder_outputs", default: isTied)
      let padding = try config.integer("pad_token_id", default: 0)
      startToken = try config.integer("decoder_start_token_id", default: padding)
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    let sizes = [vocabulary, features, headSize, heads, inner, encoderLayers, decoderLayers]
    guard sizes.allSatisfy({ (1...1 << 24).contains($0) }), encoderLayers <= 1024,
      decoderLayers <= 1024, headSize <= 1024, heads <= 1 << 14, (4...4096).contains(buckets),
      (buckets + 1...1 << 24).contains(maximumDistance), (0..<vocabulary).contains(startToken)
    else {
      throw .inconsistent(
        reason:
          "sizes must be positive, d_kv at most 1024, relative_attention_max_distance more than "
          + "relative_attention_num_buckets, and decoder_start_token_id in the vocabulary",
        file: config.file)
    }
  }

  /// The table of tokens, which both sides share.
  static func table(of side: Weights, in root: Weights) -> Weights {
    root["shared"].has("weight") ? root["shared"] : side["embed_tokens"]
  }

  /// Tokens of a text at most: distances have no end, memory has.
  static let maximumLength = 1 << 16
}
