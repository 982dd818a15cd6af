package import LanternLayers
package import LanternTensor

/// Llama's decoder (Touvron et al. 2023, arXiv:2302.13971) and its kin: Mistral's, whose tokens see a window
/// (Jiang et al. 2023, arXiv:2310.06825), Qwen 2's with biases and Qwen 3's with normalised heads (Yang et al.
/// 2025, arXiv:2505.09388), Mixtral's and Qwen's with experts (Jiang et al. 2024, arXiv:2401.04088), GLM's, of whose
/// heads one part turns (arXiv:2406.12793), Phi-3's with joined matrices (Abdin et al. 2024, arXiv:2404.14219), and
/// Gemma's with windows in alternation, two more norms and soft caps (arXiv:2408.00118, arXiv:2503.19786).
package struct LlamaModel: CausalLanguageModel {
  private let config: LlamaConfig
  private let embedding: Embedding
  private let layers: [LlamaLayer]
  private let finalNorm: RMSNorm
  /// None of an encoder's.
  private let head: Linear?
  private let rotary: RotaryEmbedding
  private let windowedRotary: RotaryEmbedding?

  /// Builds the model with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, unused, of another shape, or not finite.
  package init(_ config: LlamaConfig, _ checkpoint: Weights) throws(ModelError) {
    self.config = config
    let sizes = config.sizes
    let root = checkpoint.renamed(by: config.names, sizes)
    // Files of the network without its head have no prefix.
    let weights = root["embed_tokens"].has("weight") ? root : root["model"]
    self.embedding = try Embedding(weights["embed_tokens"], sizes.vocabulary, sizes.features)
    self.layers = try (0..<sizes.layers).map { index throws(ModelError) in
      try LlamaLayer(weights["layers"][index], config, index)
    }
    self.finalNorm = try RMSNorm(weights["norm"], config)
    let head = config.tieWordEmbeddings ? weights["embed_tokens"] : root["lm_head"]
    self.head =
      config.isBidirectional
      ? nil : try Linear(head, sizes.features, sizes.vocabulary, bias: false)
    self.rotary = config.rope.embedding(headSize: sizes.sizeOfHead, pairing: config.pairing)
    self.windowedRotary = config.windowedRope?.embedding(headSize: sizes.sizeOfHead)
    try root.finish(
      ignoring: ["rotary_emb.inv_freq", "rotary_pos_emb.inv_freq"]
        + (config.tieWordEmbeddings ? ["lm_head.weight"] : []))
  }

  package var sizes: DecoderSizes { config.sizes }
  package var switchLength: Int? { rotary.switchLength }
  package var stableLength: Int? {
    [rotary, windowedRotary].compactMap { $0?.stableLength }.min()
  }

  package func read(
    _ ids: [Int], into cache: inout KVCache, mask: AttentionMask, keeping: Bool
  ) throws(TensorError) -> Tensor {
    let positions = cache.positions(ids.count)
    let turn = try rotary.turn(positions)
    let windowedTurn = try windowedRotary?.turn(positions) ?? turn
    var h = try embedding(ids).reshaped([1, ids.count, features])
    if let scale = config.embeddingScale { h = try h.scaled(by: scale) }
    for (index, layer) in layers.enumerated() {
      let turn = layer.window == nil ? turn : windowedTurn
      h = try layer(h, turn: turn, mask: mask) { new throws(TensorError) in
        try cache.append(new, layer: index)
      }
    }
    if keeping { cache.keep(ids.count) }
    return try finalNorm(h)
  }

  /// The states of texts whose tokens attend to all of their text, both ways, behind the last layer, `[1, token, feature]`.
  ///
  /// - Throws: ``TensorError`` for an id outside the vocabulary, or no memory.
  func states(of batch: TokenBatch) throws(TensorError) -> Tensor {
    let turn = try rotary.turn(batch.texts.positions)
    let windowedTurn = try windowedRotary?.turn(batch.texts.positions) ?? turn
    var h = try embedding(batch.ids).reshaped([1, batch.ids.count, features])
    if let scale = config.embeddingScale { h = try h.scaled(by: scale) }
    for layer in layers {
      let turn = layer.window == nil ? turn : windowedTurn
      h = try layer(
        h, turn: turn, within: batch.texts, bias: window(layer.window, tokens: batch.texts))
    }
    return try finalNorm(h)
  }

  /// What hides keys that are farther than half of a window; nil where there is none.
  private func window(_ size: Int?, tokens texts: TextRuns) throws(TensorError) -> RelativeBias? {
    let longest = texts.lengths.max() ?? 1
    guard let reach = size.map({ $0 / 2 }), longest > reach + 1 else { return nil }
    let row = (1 - longest..<longest).map { abs($0) <= reach ? Float(0) : -1e30 }
    let table = Array(repeatElement(row, count: sizes.heads).joined())
    return RelativeBias(
      try Tensor(table, shape: [sizes.heads, row.count]), origin: longest - 1)
  }

  package func logits(_ hidden: Tensor) throws(TensorError) -> Tensor {
    guard let head else { return hidden }
    let logits = try head(hidden)
    guard let cap = config.softCaps.logits else { return logits }
    return try logits.scaled(by: 1 / cap).applying(.tanh).scaled(by: cap)
  }
}

extension RMSNorm {
  /// A norm over the features of a token.
  init(_ weights: Weights, _ config: LlamaConfig) throws(ModelError) {
    try self.init(
      weights, config.sizes.features, eps: config.normEps, addsUnitOffset: config.normsAddOne)
  }
}

/// A gated feed-forward layer, or several to choose from.
private enum LlamaFeedForward: Sendable {
  case dense(FeedForward)
  case experts(MixtureOfExperts)

  init(_ weights: Weights, _ config: LlamaConfig, _ index: Int) throws(ModelError) {
    let sizes = config.sizes
    if let experts = config.experts, experts.layers.contains(index) {
      self = .experts(
        try MixtureOfExperts(
          weights, sizes.features, experts.settings, activation: config.activation))
    } else {
      self = .dense(
        try FeedForward(
          gated: weights, sizes.features, inner: sizes.inner, activation: config.activation,
          bias: config.biases.feedForward, isFused: config.isFused.feedForward))
    }
  }

  /// As of ``FeedForward``.
  func callAsFunction(_ x: Tensor, residual: consuming Tensor? = nil) throws(TensorError) -> Tensor
  {
    switch self {
    case .dense(let layer): try layer(x, residual: residual)
    case .experts(let layer): try layer(x, residual: residual)
    }
  }
}

/// Attention, then a gated feed-forward layer, each behind its norm, and Gemma's before another one.
struct LlamaLayer: Sendable {
  private let attentionNorm: RMSNorm
  private let attention: LanternLayers.Attention
  private let feedForwardNorm: RMSNorm
  private let feedForward: LlamaFeedForward
  private let branchNorms: (attention: RMSNorm, feedForward: RMSNorm)?
  /// How many tokens a token attends to: all before it where nil.
  let window: Int?

  init(_ weights: Weights, _ config: LlamaConfig, _ index: Int) throws(ModelError) {
    let sizes = config.sizes
    self.attentionNorm = try RMSNorm(weights["input_layernorm"], config)
    self.attention = try Attention(
      weights["self_attn"], sizes.features, heads: sizes.heads,
      keyValueHeads: sizes.headsOfKeys, headSize: sizes.sizeOfHead,
      bias: config.biases.projections, outBias: config.biases.output,
      norm: config.hasHeadNorms
        ? .rmsNorm(eps: config.normEps, addsUnitOffset: config.normsAddOne) : nil,
      scale: config.scoreScale, softCap: config.softCaps.scores,
      naming: config.isFused.attention ? .phi3 : .llama)
    let after = try RMSNorm(weights["post_attention_layernorm"], config)
    if config.hasBranchNorms {
      self.feedForwardNorm = try RMSNorm(weights["pre_feedforward_layernorm"], config)
      self.branchNorms = (after, try RMSNorm(weights["post_feedforward_layernorm"], config))
    } else {
      self.feedForwardNorm = after
      self.branchNorms = nil
    }
    self.feedForward = try LlamaFeedForward(weights["mlp"], config, index)
    self.window = sizes.windows[index]
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
    return try added(attention.attend(queries, to: all, mask: windowed), to: x)
  }

  /// The same of tokens that attend to all of their text, as far as a bias lets them.
  func callAsFunction(
    _ x: Tensor, turn: RotaryEmbedding.Turn, within texts: TextRuns, bias: RelativeBias?
  ) throws(TensorError) -> Tensor {
    let normed = try attentionNorm(x)
    let attended = try attention.attend(
      attention.queries(of: normed, turn: turn),
      to: attention.keysAndValues(of: normed, turn: turn), within: texts, bias: bias)
    return try added(attended, to: x)
  }

  /// What attention gave and the feed-forward layer, each added.
  private func added(_ attended: Tensor, to x: Tensor) throws(TensorError) -> Tensor {
    guard let branchNorms else {
      let h = try attention.project(attended, residual: x)
      return try feedForward(feedForwardNorm(h), residual: h)
    }
    let h = try x + branchNorms.attention(attention.project(attended))
    return try h + branchNorms.feedForward(feedForward(feedForwardNorm(h)))
  }
}
