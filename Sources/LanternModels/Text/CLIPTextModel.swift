package import LanternFormats
package import LanternLayers
package import LanternTensor

/// The settings of CLIP's text encoder, read from transformers' `text_encoder/config.json`.
package struct CLIPTextConfig: Sendable {
  var vocabSize: Int
  var hiddenSize: Int
  var intermediateSize: Int
  var numHiddenLayers: Int
  var numAttentionHeads: Int
  var maxPositionEmbeddings: Int
  var activation: Activation
  var layerNormEps: Float
  var projectionDim: Int
  var eosTokenID: Int

  /// Settings of training: none changes a token's vector.
  private static let harmless = TransformersSettings.harmless.union([
    "dropout", "initializer_factor",
  ])

  /// Reads the settings.
  ///
  /// - Throws: ``ModelError/file(_:)`` for a missing, mistyped or unsupported one,
  ///   ``ModelError/inconsistent(reason:file:)`` when sizes do not divide.
  package init(_ config: Config) throws(ModelError) {
    do throws(FormatError) {
      // Of a file for both of CLIP's sides, as in transformers.
      let config = try config.section("text_config") ?? config
      try config.expect("use_attention_mask", [.bool(false)])
      vocabSize = try config.integer("vocab_size", default: 49408)
      hiddenSize = try config.integer("hidden_size", default: 512)
      intermediateSize = try config.integer("intermediate_size", default: 2048)
      numHiddenLayers = try config.integer("num_hidden_layers", default: 12)
      numAttentionHeads = try config.integer("num_attention_heads", default: 8)
      maxPositionEmbeddings = try config.integer("max_position_embeddings", default: 77)
      layerNormEps = try config.float("layer_norm_eps", default: 1e-5)
      projectionDim = try config.integer("projection_dim", default: 512)
      eosTokenID = try config.integer("eos_token_id", default: 49407)
      activation = try TransformersSettings.activation(config, default: "quick_gelu")
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    let sizes = [
      vocabSize, hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads,
      maxPositionEmbeddings, max(1, projectionDim),
    ]
    guard sizes.allSatisfy({ (1...1_048_576).contains($0) }), hiddenSize % numAttentionHeads == 0
    else {
      throw .inconsistent(
        reason: "sizes must be positive and num_attention_heads must divide hidden_size",
        file: config.file)
    }
  }
}

/// CLIP's text encoder (Radford et al. 2021, arXiv:2103.00020), as OpenAI and OpenCLIP trained it.
package struct CLIPTextModel: TextEncoder {
  private let config: CLIPTextConfig
  private let tokenEmbedding: Embedding
  private let positionEmbedding: Embedding
  private let layers: [CLIPEncoderLayer]
  private let finalNorm: LayerNorm
  private let textProjection: Linear?

  /// Builds the model with its weights, whose names may or may not begin with `text_model.`
  ///
  /// - Parameters:
  ///   - config: its settings.
  ///   - root: the checkpoint.
  ///   - isProjected: whether it has a projection of the end-of-text token
  ///     (`CLIPTextModelWithProjection`).
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: CLIPTextConfig, _ root: Weights, isProjected: Bool = false)
    throws(ModelError)
  {
    let older = root["text_model"]
    let weights = older["final_layer_norm"].has("weight") ? older : root
    self.config = config
    let size = config.hiddenSize
    self.tokenEmbedding = try Embedding(
      weights["embeddings.token_embedding"], config.vocabSize, size)
    self.positionEmbedding = try Embedding(
      weights["embeddings.position_embedding"], config.maxPositionEmbeddings, size)
    self.layers = try (0..<config.numHiddenLayers).map { index throws(ModelError) in
      try CLIPEncoderLayer(
        weights["encoder.layers"][index], size, inner: config.intermediateSize,
        heads: config.numAttentionHeads, activation: config.activation, eps: config.layerNormEps)
    }
    self.finalNorm = try LayerNorm(weights["final_layer_norm"], size, eps: config.layerNormEps)
    self.textProjection =
      isProjected
      ? try Linear(root["text_projection"], size, config.projectionDim, bias: false) : nil
    try root.finish(
      ignoring: ["position_ids"] + (isProjected ? [] : ["text_projection.weight"]))
  }

  package var features: Int { config.hiddenSize }
  package var vocabularySize: Int { config.vocabSize }
  package var maximumLength: Int { config.maxPositionEmbeddings }
  package var layerCount: Int { layers.count }
  package var pooledFeatures: Int { textProjection == nil ? 0 : config.projectionDim }

  package func encode(
    _ tokens: [Int], adding added: AddedTokens? = nil, skippedLayers: Int,
    isNormalized: Bool = true
  ) throws(TensorError) -> TextEncoding {
    guard tokens.count <= maximumLength else {
      throw .shape(
        op: "CLIPTextModel", expected: "at most \(maximumLength) tokens", found: [tokens.count])
    }
    let positions = try positionEmbedding(Array(tokens.indices))
    let embedded = try tokenEmbedding(tokens, adding: added)
    var h = try (embedded + positions).reshaped([1, tokens.count, features])
    for layer in layers.dropLast(skippedLayers) { h = try layer(h, mask: .causal) }
    let states = isNormalized ? try finalNorm(h) : h
    guard let textProjection else { return TextEncoding(states: states, pooled: nil) }
    for layer in layers.suffix(skippedLayers) { h = try layer(h, mask: .causal) }
    let last = try finalNorm(h).reshaped([tokens.count, features]).rows([endOfText(in: tokens)])
    return TextEncoding(states: states, pooled: try textProjection(last))
  }

  /// The position that the pooled vector is taken from, as in transformers.
  private func endOfText(in tokens: [Int]) -> Int {
    // Old files say 2, and mean the highest id of the vocabulary: transformers takes an added token's too.
    let isOld = config.eosTokenID == 2
    let end = isOld ? tokens.filter { $0 < vocabularySize }.max() : config.eosTokenID
    return tokens.firstIndex { $0 == end } ?? 0
  }
}

extension Embedding {
  /// `[ids.count, features]`, f32, of ids in the table and added ones.
  fileprivate func callAsFunction(_ ids: [Int], adding added: AddedTokens?) throws(TensorError)
    -> Tensor
  {
    guard let added, ids.contains(where: { $0 >= added.firstID }) else { return try self(ids) }
    let rows = try ids.map { id throws(TensorError) in
      id < added.firstID ? try self([id]) : try added.vectors.rows([id - added.firstID])
    }
    return try Tensor.concatenated(rows, axis: 0)
  }
}
