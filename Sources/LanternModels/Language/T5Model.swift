package import LanternLayers
package import LanternTensor

/// T5 with its decoder (Raffel et al. 2020, arXiv:1910.10683): it answers a text that its encoder reads, as Flan-T5
/// (arXiv:2210.11416).
package struct T5Model: EncoderDecoder {
  private let config: T5Config
  private let encoder: T5EncoderModel
  private let embedding: Embedding
  private let layers: [T5Layer]
  private let finalNorm: RMSNorm
  private let head: Linear
  /// Of each layer, keys and values of what the encoder read; none before it did.
  private var context: [LanternLayers.Attention.KeysAndValues] = []

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: T5Config, _ root: Weights) throws(ModelError) {
    self.config = config
    encoder = try T5EncoderModel(config, within: root)
    let weights = root["decoder"]
    let table = T5Config.table(of: weights, in: root)
    embedding = try Embedding(table, config.vocabulary, config.features)
    layers = try (0..<config.decoderLayers).map { index throws(ModelError) in
      try T5Layer(
        weights["block"][index], config, hasBias: index == 0 || config.hasBiases, isDecoder: true)
    }
    finalNorm = try RMSNorm(weights["final_layer_norm"], config.features, eps: config.normEps)
    let own = root["lm_head"]
    head = try Linear(
      own.has("weight") ? own : table, config.features, config.vocabulary, bias: false)
    // Of old files, which had them in vain.
    try root.finish(
      ignoring: [
        "embed_tokens.weight", "shared.weight", "EncDecAttention.relative_attention_bias.weight",
      ])
  }

  package var startToken: Int { config.startToken }
  package var sizes: DecoderSizes {
    DecoderSizes(
      vocabulary: config.vocabulary, features: config.features, inner: config.inner,
      layers: config.decoderLayers, heads: config.heads, headSize: config.headSize,
      maximumLength: T5Config.maximumLength)
  }

  package func answering(_ text: [Int]) throws(TensorError) -> any CausalLanguageModel {
    let states = try encoder.states(of: TokenBatch([text]))
    var model = self
    model.context = try layers.map { layer throws(TensorError) in
      try layer.keysAndValues(of: states)
    }.compactMap(\.self)
    return model
  }

  package func read(
    _ ids: [Int], into cache: inout KVCache, mask: AttentionMask, keeping: Bool
  ) throws(TensorError) -> Tensor {
    guard context.count == layers.count else {
      throw .shape(op: "T5Model", expected: "a text that the encoder has read", found: [])
    }
    var h = try embedding(ids).reshaped([1, ids.count, features])
    // Of several sequences there may be more tokens than any has.
    let tokens = max(ids.count, (cache.positions(ids.count).max() ?? 0) + 1)
    var bias: RelativeBias?
    for (index, layer) in layers.enumerated() {
      bias = try layer.bias?(tokens: tokens) ?? bias
      h = try layer(h, to: context[index], mask: mask, bias: bias) { new throws(TensorError) in
        try cache.append(new, layer: index)
      }
    }
    if keeping { cache.keep(ids.count) }
    return try finalNorm(h)
  }

  package func logits(_ hidden: Tensor) throws(TensorError) -> Tensor {
    try head(
      config.scalesOutput ? hidden.scaled(by: 1 / Float(features).squareRoot()) : hidden)
  }
}
