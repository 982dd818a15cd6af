package import LanternFormats
package import LanternLayers
import LanternTensor

/// The settings of an encoder of BERT's kind, read from transformers' `config.json`.
package struct BertConfig: Sendable {
  /// transformers' classes of this kind, which differ in what their settings and tensors are called.
  package enum Architecture: Sendable {
    /// BERT, and DPR's two encoders, which are BERT.
    case bert
    /// RoBERTa and XLM-R: positions begin behind the padding token's id.
    case roberta
    /// MPNet: the same without segments, and with biases by distance.
    case mpnet
    /// DistilBERT: without segments.
    case distilbert
  }

  let architecture: Architecture
  let sizes: DecoderSizes
  let activation: Activation
  let normEps: Float
  /// Rows of the table of positions.
  let positions: Int
  /// The position of the first token.
  let firstPosition: Int
  /// The id that has no position of its own; nil where none has.
  let paddingID: Int?
  /// Kinds of segments; 0 without a table of them.
  let segments: Int
  /// Buckets of distances; 0 without.
  let buckets: Int
  /// Of DPR, features of what the first token's state is projected to; 0 without.
  let projection: Int

  private static let harmless = TransformersSettings.harmless.union([
    "attention_probs_dropout_prob", "classifier_dropout", "directionality", "dropout",
    "hidden_dropout_prob", "output_past", "pooler_fc_size", "pooler_num_attention_heads",
    "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type", "qa_dropout",
    "seq_classif_dropout",
  ])

  /// Reads the settings; absent ones are those of the class.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes do not divide.
  package init(_ config: Config, of architecture: Architecture) throws(ModelError) {
    self.architecture = architecture
    let isDistilled = architecture == .distilbert
    let hasPadding = architecture == .roberta || architecture == .mpnet
    do throws(FormatError) {
      let names =
        isDistilled
        ? ["dim", "hidden_dim", "n_layers", "n_heads"]
        : ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"]
      positions = try config.integer("max_position_embeddings", default: 512)
      let vocabulary = architecture == .roberta ? 50265 : architecture == .mpnet ? 30527 : 30522
      paddingID =
        architecture == .roberta
        ? try config.integer("pad_token_id", default: 1) : hasPadding ? 1 : nil
      firstPosition = paddingID.map { min(max(0, $0), 1 << 24) + 1 } ?? 0
      sizes = DecoderSizes(
        vocabulary: try config.integer("vocab_size", default: vocabulary),
        features: try config.integer(names[0], default: 768),
        inner: try config.integer(names[1], default: 3072),
        layers: try config.integer(names[2], default: isDistilled ? 6 : 12),
        heads: try config.integer(names[3], default: 12), maximumLength: positions &- firstPosition)
      activation = try TransformersSettings.activation(
        config, isDistilled ? "activation" : "hidden_act", default: "gelu")
      normEps = isDistilled ? 1e-12 : try config.float("layer_norm_eps", default: 1e-12)
      let hasSegments = architecture == .bert || architecture == .roberta
      segments = hasSegments ? try config.integer("type_vocab_size", default: 2) : 0
      buckets =
        architecture == .mpnet
        ? try config.integer("relative_attention_num_buckets", default: 32) : 0
      projection = try config.integer("projection_dim", default: 0)
      try config.expect("position_embedding_type", [.string("absolute")])
      try config.expect("sinusoidal_pos_embds", [.bool(false)])
      for key in ["is_decoder", "add_cross_attention"] { try config.expect(key, [.bool(false)]) }
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    try sizes.check(config.file)
    let isSound =
      (0...1 << 24).contains(segments) && (0...1 << 24).contains(projection)
      && (architecture != .mpnet || (4..<128).contains(buckets))
      && (hasPadding || segments != 0 || isDistilled)
    guard isSound, sizes.features % sizes.heads == 0 else {
      throw .inconsistent(
        reason:
          "num_attention_heads must divide hidden_size, and type_vocab_size, projection_dim and "
          + "relative_attention_num_buckets be possible", file: config.file)
    }
  }
}
