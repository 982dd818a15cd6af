package import LanternLayers
package import LanternTensor

/// Phi's decoder (Li et al. 2023, arXiv:2309.05463): attention and feed-forward side by side behind
/// one norm, part of each head rotated, without embeddings and scores: those of ``PhiLanguageModel``, or of
/// Show-o, which normalises queries and keys.
package struct PhiModel: Sendable {
  package let config: PhiConfig
  private let layers: [PhiLayer]
  private let finalNorm: LayerNorm
  private let rotary: RotaryEmbedding

  /// Builds the decoder with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(_ config: PhiConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    self.layers = try (0..<config.numHiddenLayers).map { index throws(ModelError) in
      try PhiLayer(weights["layers"][index], config)
    }
    self.finalNorm = try LayerNorm(
      weights["final_layernorm"], config.hiddenSize, eps: config.layerNormEps)
    self.rotary = config.rope.embedding(headSize: config.headSize)
  }

  /// As of ``CausalLanguageModel``.
  package var switchLength: Int? { rotary.switchLength }
  /// As of ``CausalLanguageModel``.
  package var stableLength: Int? { rotary.stableLength }

  /// The last hidden states of tokens that follow what is kept in `cache`; nothing of them is kept.
  ///
  /// - Parameters:
  ///   - x: embeddings, `[1, token, feature]`.
  ///   - cache: the tokens before.
  ///   - mask: which of all tokens each new one attends to.
  /// - Returns: the shape of `x`.
  /// - Throws: ``TensorError`` for a wrong shape or no memory.
  package func callAsFunction(_ x: Tensor, after cache: inout KVCache, mask: AttentionMask)
    throws(TensorError) -> Tensor
  {
    let turn = try rotary.turn(cache.positions(x.shape[1]))
    var h = x
    for (index, layer) in layers.enumerated() {
      let normed = try layer.norm(h)
      let all = try cache.append(
        layer.attention.keysAndValues(of: normed, turn: turn), layer: index)
      let queries = try layer.attention.queries(of: normed, turn: turn)
      h = try layer(h, normed, attended: layer.attention.attend(queries, to: all, mask: mask))
    }
    return try finalNorm(h)
  }

  /// The last hidden states of two sequences of as many tokens, each after a past of its own, where every
  /// token attends to its whole sequence. Weights are read once for both; nothing is kept.
  ///
  /// - Parameters:
  ///   - x: embeddings, `[1, 2 · token, feature]`, one sequence after the other.
  ///   - first: the tokens before the first sequence.
  ///   - second: those before the second.
  /// - Returns: the shape of `x`.
  /// - Throws: ``TensorError`` for a wrong shape or no memory.
  package func callAsFunction(
    _ x: Tensor, after first: inout KVCache, and second: inout KVCache
  ) throws(TensorError) -> Tensor {
    let count = x.shape[1] / 2
    let turn = try rotary.turn(
      Array(first.count..<first.count + count) + Array(second.count..<second.count + count))
    var h = x
    for (index, layer) in layers.enumerated() {
      let normed = try layer.norm(h)
      let new = try layer.attention.keysAndValues(of: normed, turn: turn).halves()
      let queries = try layer.attention.queries(of: normed, turn: turn)
      let attended = [
        try layer.attention.attend(
          queries.sliced(axis: 1, 0..<count), to: first.append(new.first, layer: index)),
        try layer.attention.attend(
          queries.sliced(axis: 1, count..<2 * count), to: second.append(new.second, layer: index)),
      ]
      h = try layer(h, normed, attended: Tensor.concatenated(attended, axis: 1))
    }
    return try finalNorm(h)
  }
}

/// Attention and feed-forward side by side behind one norm.
private struct PhiLayer: Sendable {
  let norm: LayerNorm
  let attention: LanternLayers.Attention
  private let feedForward: FeedForward

  init(_ weights: Weights, _ config: PhiConfig) throws(ModelError) {
    let size = config.hiddenSize
    self.norm = try LayerNorm(weights["input_layernorm"], size, eps: config.layerNormEps)
    self.attention = try Attention(
      weights["self_attn"], size, heads: config.numAttentionHeads,
      norm: config.hasHeadNorms ? .layerNorm(eps: config.layerNormEps) : nil, naming: .phi)
    self.feedForward = try FeedForward(
      weights["mlp.fc1"], weights["mlp.fc2"], size, inner: config.intermediateSize,
      activation: config.hiddenAct)
  }

  /// `x + project(attended) + feedForward(normed)`.
  func callAsFunction(_ x: Tensor, _ normed: Tensor, attended: Tensor) throws(TensorError) -> Tensor
  {
    try feedForward(normed, residual: attention.project(attended, residual: x))
  }
}
