package import LanternLayers
package import LanternTensor

/// Llama's decoder (Touvron et al. 2023, arXiv:2302.13971) and its kin: Mistral's, whose tokens see a window
/// (Jiang et al. 2023, arXiv:2310.06825), Qwen 2's with biases and Qwen 3's with normalised heads (Yang et al.
/// 2025, arXiv:2505.09388).
package struct LlamaModel: CausalLanguageModel {
  private let config: LlamaConfig
  private let embedding: Embedding
  private let layers: [LlamaLayer]
  private let finalNorm: RMSNorm
  private let head: Linear
  private let rotary: RotaryEmbedding

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: LlamaConfig, _ root: Weights) throws(ModelError) {
    self.config = config
    let (weights, size) = (root["model"], config.hiddenSize)
    self.embedding = try Embedding(weights["embed_tokens"], config.vocabSize, size)
    self.layers = try (0..<config.numHiddenLayers).map { index throws(ModelError) in
      try LlamaLayer(weights["layers"][index], config, window: config.slidingWindows[index])
    }
    self.finalNorm = try RMSNorm(weights["norm"], size, eps: config.rmsNormEps)
    let head = config.tieWordEmbeddings ? weights["embed_tokens"] : root["lm_head"]
    self.head = try Linear(head, size, config.vocabSize, bias: false)
    self.rotary = config.rope.embedding(headSize: config.headSize)
    try root.finish(
      ignoring: ["rotary_emb.inv_freq"] + (config.tieWordEmbeddings ? ["lm_head.weight"] : []))
  }

  package var features: Int { config.hiddenSize }
  package var maximumLength: Int { config.maxPositionEmbeddings }

  package func makeCache(capacity: Int) throws(TensorError) -> KVCache {
    try KVCache(
      layers: layers.count, features: config.numKeyValueHeads * config.headSize, capacity: capacity)
  }

  package func read(
    _ ids: [Int], into cache: inout KVCache, mask: AttentionMask, keeping: Bool
  ) throws(TensorError) -> Tensor {
    let turn = try rotary.turn(cache.count..<cache.count + ids.count)
    var h = try embedding(ids).reshaped([1, ids.count, features])
    for (index, layer) in layers.enumerated() {
      h = try layer(h, turn: turn, mask: mask) { new throws(TensorError) in
        try cache.append(new, layer: index)
      }
    }
    if keeping { cache.keep(ids.count) }
    return try finalNorm(h)
  }

  package func logits(_ hidden: Tensor) throws(TensorError) -> Tensor { try head(hidden) }
}

/// Attention, then a gated feed-forward layer, each behind its norm.
private struct LlamaLayer: Sendable {
  private let attentionNorm: RMSNorm
  private let attention: LanternLayers.Attention
  private let feedForwardNorm: RMSNorm
  private let feedForward: FeedForward
  private let window: Int?

  init(_ weights: Weights, _ config: LlamaConfig, window: Int?) throws(ModelError) {
    let (size, eps) = (config.hiddenSize, config.rmsNormEps)
    self.attentionNorm = try RMSNorm(weights["input_layernorm"], size, eps: eps)
    self.attention = try Attention(
      weights["self_attn"], size, heads: config.numAttentionHeads,
      keyValueHeads: config.numKeyValueHeads, headSize: config.headSize,
      bias: config.biases.projections, outBias: config.biases.output,
      norm: config.hasHeadNorms ? .rmsNorm(eps: eps) : nil, naming: .llama)
    self.feedForwardNorm = try RMSNorm(weights["post_attention_layernorm"], size, eps: eps)
    self.feedForward = try FeedForward(
      gated: weights["mlp"], size, inner: config.intermediateSize, activation: config.hiddenAct,
      bias: config.biases.feedForward)
    self.window = window
  }

  /// The shape of `x`, `[1, token, feature]`. `cache` puts new keys and values behind those before, and gives
  /// all of them.
  func callAsFunction(
    _ x: Tensor, turn: RotaryEmbedding.Turn, mask: AttentionMask,
    cache: (LanternLayers.Attention.KeysAndValues) throws(TensorError)
      -> LanternLayers.Attention.KeysAndValues
  ) throws(TensorError) -> Tensor {
    let normed = try attentionNorm(x)
    let all = try cache(attention.keysAndValues(of: normed, turn: turn))
    let queries = try attention.queries(of: normed, turn: turn)
    let windowed: AttentionMask =
      if mask == .causal, let window { .slidingWindow(window) } else { mask }
    let h = try attention.project(attention.attend(queries, to: all, mask: windowed), residual: x)
    return try feedForward(feedForwardNorm(h), residual: h)
  }
}
