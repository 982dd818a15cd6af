package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of Nomic's BERT, in its own code's names or in those of transformers' class.
package struct NomicBertConfig: Sendable {
  let sizes: DecoderSizes
  let activation: Activation
  let normEps: Float
  let segments: Int
  let rope: RopeParameters

  /// Settings of training, and of how its own code computes the same.
  private static let harmless = TransformersSettings.harmless.union([
    "attention_probs_dropout_prob", "attn_pdrop", "classifier_dropout", "dense_seq_output",
    "embd_pdrop",
    "fused_bias_fc", "fused_dropout_add_ln", "hidden_dropout_prob", "last_layer_subset",
    "layer_norm_training", "max_trained_positions", "pad_vocab_size_multiple",
    "reorder_and_upcast_attn",
    "resid_pdrop", "summary_activation", "summary_first_dropout", "summary_proj_to_labels",
    "summary_type", "summary_use_proj", "use_flash_attn", "use_xentropy", "mask_token_id",
    "pooling",
    "sep_token_id", "cls_token_id",
  ])

  /// Reads the settings; absent ones are those of transformers' class.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes do not divide.
  package init(_ given: Config) throws(ModelError) {
    let config: Config
    do throws(FormatError) {
      config = given.has("n_embd") ? Config(try Self.members(given), file: given.file) : given
      let standard = DecoderSizes(
        vocabulary: 30528, features: 768, inner: 3072, layers: 12, heads: 12, maximumLength: 2048)
      sizes = try DecoderSizes(config, default: standard)
      activation = try TransformersSettings.activation(config, default: "silu")
      normEps = try config.float("layer_norm_eps", default: 1e-12)
      segments = try config.integer("type_vocab_size", default: 2)
      rope = try RopeParameters(
        config, theta: 1000, partialFactor: 1, length: sizes.maximumLength, isPhi3: false)
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    try sizes.check(config.file)
    do throws(FormatError) {
      try rope.check(headSize: sizes.sizeOfHead, isWhole: true, config.file)
    } catch {
      throw .file(error)
    }
    guard (1...1 << 24).contains(segments), sizes.headsOfKeys == sizes.heads,
      sizes.features == sizes.heads * sizes.sizeOfHead
    else {
      throw .inconsistent(
        reason: "num_attention_heads must divide hidden_size, and type_vocab_size be possible",
        file: config.file)
    }
  }

  /// What transformers' class calls the settings of the model's own code.
  private static func members(_ config: Config) throws(FormatError) -> [String: JSONValue] {
    for (key, value) in [
      ("causal", false), ("mlp_fc1_bias", false), ("mlp_fc2_bias", false),
      ("parallel_block", false),
      ("parallel_block_tied_norm", false), ("prenorm", false), ("qkv_proj_bias", false),
      ("rotary_emb_interleaved", false), ("scale_attn_by_inverse_layer_idx", false),
      ("scale_attn_weights", true), ("use_rms_norm", false),
    ] {
      try config.expect(key, [.bool(value)])
    }
    for key in ["rotary_emb_scale_base", "rotary_scaling_factor"] { try config.expect(key, []) }
    for key in ["moe_every_n_layers", "num_experts"] { try config.expect(key, [.integer(0)]) }
    try config.expect("rotary_emb_fraction", [.number(1)])
    let gates: [String: JSONValue] = ["swiglu": "silu", "geglu": "gelu"]
    let name = try config.string("activation_function", default: "swiglu")
    guard let activation = gates[name] else {
      throw .unsupportedSetting(
        key: "activation_function", value: JSON.quoted(name), file: config.file)
    }
    let features = try config.integer("n_embd", default: 768)
    return [
      "vocab_size": .integer(try config.integer("vocab_size", default: 30528)),
      "hidden_size": .integer(features),
      "intermediate_size": .integer(
        try config.optionalInteger("n_inner") ?? features.multipliedReportingOverflow(by: 4).0),
      "num_hidden_layers": .integer(try config.integer("n_layer", default: 12)),
      "num_attention_heads": .integer(try config.integer("n_head", default: 12)),
      "max_position_embeddings": .integer(try config.integer("n_positions", default: 2048)),
      "layer_norm_eps": .number(try config.double("layer_norm_epsilon", default: 1e-12)),
      "type_vocab_size": .integer(try config.integer("type_vocab_size", default: 2)),
      "rope_theta": .number(try config.double("rotary_emb_base", default: 1000)),
      "hidden_act": activation,
    ]
  }
}

/// Nomic's BERT (Nussbaum et al. 2024, arXiv:2402.01613): BERT whose positions turn queries and keys, with gated
/// feed-forward layers and without biases but for those of norms.
package struct NomicBertModel: BidirectionalEncoder {
  private let config: NomicBertConfig
  private let words: Embedding
  private let segments: Embedding
  private let norm: LayerNorm
  private let layers: [NomicBertLayer]
  private let rotary: RotaryEmbedding

  /// Builds the model with its weights, in the names of its own code, which are those of files.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: NomicBertConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    let (sizes, embeddings) = (config.sizes, weights["embeddings"])
    words = try Embedding(embeddings["word_embeddings"], sizes.vocabulary, sizes.features)
    segments = try Embedding(embeddings["token_type_embeddings"], config.segments, sizes.features)
    norm = try LayerNorm(weights["emb_ln"], sizes.features, eps: config.normEps)
    layers = try (0..<sizes.layers).map { index throws(ModelError) in
      try NomicBertLayer(weights["encoder.layers"][index], config)
    }
    rotary = config.rope.embedding(headSize: sizes.sizeOfHead)
    try weights.finish(ignoring: ["inv_freq"], later: ["pooler", "cls"])
  }

  package var features: Int { config.sizes.features }
  package var vocabularySize: Int { config.sizes.vocabulary }
  package var maximumLength: Int { config.sizes.maximumLength }
  package var layerCount: Int { layers.count }

  package func states(of batch: TokenBatch) throws(TensorError) -> Tensor {
    try batch.check("NomicBertModel", maximumLength: maximumLength)
    let turn = try rotary.turn(batch.texts.positions)
    var h = try words(batch.ids) + segments(batch.segments)
    h = try norm(h).reshaped([1, batch.ids.count, features])
    for layer in layers { h = try layer(h, batch.texts, turn) }
    return h
  }
}

/// Attention and a gated feed-forward layer, each added to what came in and then normalised.
private struct NomicBertLayer: Sendable {
  private let attention: LanternLayers.Attention
  private let attentionNorm: LayerNorm
  private let feedForward: FeedForward
  private let outputNorm: LayerNorm

  init(_ weights: Weights, _ config: NomicBertConfig) throws(ModelError) {
    let sizes = config.sizes
    attention = try Attention(
      weights["attn"], sizes.features, heads: sizes.heads, headSize: sizes.sizeOfHead,
      naming: .nomic)
    attentionNorm = try LayerNorm(weights["norm1"], sizes.features, eps: config.normEps)
    let maps = weights["mlp"]
    feedForward = try FeedForward(
      values: maps["fc11"], gates: maps["fc12"], maps["fc2"], sizes.features, inner: sizes.inner,
      activation: config.activation)
    outputNorm = try LayerNorm(weights["norm2"], sizes.features, eps: config.normEps)
  }

  func callAsFunction(_ x: Tensor, _ texts: TextRuns, _ turn: RotaryEmbedding.Turn)
    throws(TensorError) -> Tensor
  {
    let all = try attention.keysAndValues(of: x, turn: turn)
    let attended = try attention.attend(
      attention.queries(of: x, turn: turn), to: all, within: texts)
    let h = try attentionNorm(attention.project(attended, residual: x))
    return try outputNorm(feedForward(h, residual: h))
  }
}
