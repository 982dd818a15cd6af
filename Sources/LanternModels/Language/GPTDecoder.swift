package import LanternLayers
package import LanternTensor

/// The layers of GPT and its kin (Radford et al. 2019): attention and a feed-forward layer without gates, behind
/// LayerNorms or before them, one after the other or side by side. Without embeddings and scores: those of
/// ``GPTModel``, or of Show-o, which is made of Phi's and normalises queries and keys.
package struct GPTDecoder: Sendable {
  package let config: GPTConfig
  private let layers: [GPTLayer]
  private let finalNorm: LayerNorm?
  private let rotary: RotaryEmbedding?

  /// Builds the decoder with its weights.
  ///
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(_ config: GPTConfig, _ weights: Weights) throws(ModelError) {
    self.config = config
    self.layers = try (0..<config.sizes.layers).map { index throws(ModelError) in
      try GPTLayer(weights["layers"][index], config, index)
    }
    self.finalNorm =
      config.hasFinalNorm ? try LayerNorm(weights["final_layernorm"], config) : nil
    self.rotary = config.rope?.embedding(
      headSize: config.sizes.sizeOfHead, pairing: config.pairing)
  }

  /// As of ``CausalLanguageModel``.
  package var switchLength: Int? { rotary?.switchLength }
  /// As of ``CausalLanguageModel``.
  package var stableLength: Int? { rotary?.stableLength }

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
    let turn = try rotary?.turn(cache.positions(x.shape[1]))
    var h = x
    for (index, layer) in layers.enumerated() {
      let normed = try layer.normed(h)
      let all = try cache.append(
        layer.attention.keysAndValues(of: normed, turn: turn), layer: index)
      let queries = try layer.attention.queries(of: normed, turn: turn)
      h = try layer(h, normed, attended: layer.attention.attend(queries, to: all, mask: mask))
    }
    return try finalNorm?(h) ?? h
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
    let turn = try rotary?.turn(
      Array(first.count..<first.count + count) + Array(second.count..<second.count + count))
    var h = x
    for (index, layer) in layers.enumerated() {
      let normed = try layer.normed(h)
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
    return try finalNorm?(h) ?? h
  }
}

extension LayerNorm {
  /// A norm over the features of a token.
  fileprivate init(_ weights: Weights, _ config: GPTConfig) throws(ModelError) {
    guard config.isAffine else {
      self.init(eps: config.normEps)
      return
    }
    try self.init(weights, config.sizes.features, eps: config.normEps)
  }
}

/// Attention and a feed-forward layer, as ``GPTConfig/Block`` joins them.
private struct GPTLayer: Sendable {
  let attention: LanternLayers.Attention
  private let block: GPTConfig.Block
  private let firstNorm: LayerNorm
  private let secondNorm: LayerNorm?
  private let feedForward: FeedForward

  init(_ weights: Weights, _ config: GPTConfig, _ index: Int) throws(ModelError) {
    let (sizes, biases) = (config.sizes, config.biases)
    self.block = config.block
    self.firstNorm = try LayerNorm(weights["input_layernorm"], config)
    self.attention = try Attention(
      weights["self_attn"], sizes.features, heads: sizes.heads, keyValueHeads: sizes.headsOfKeys,
      bias: biases.attention, outBias: biases.attention,
      norm: config.hasHeadNorms ? .layerNorm(eps: config.normEps) : nil,
      scale: config.scoreScale(ofLayer: index), naming: .phi)
    self.secondNorm =
      config.block == .parallel
      ? nil : try LayerNorm(weights["post_attention_layernorm"], config)
    self.feedForward = try FeedForward(
      weights["mlp.fc1"], weights["mlp.fc2"], sizes.features, inner: sizes.inner,
      bias: biases.feedForward, activation: config.activation)
  }

  /// What attention reads of a layer's input.
  func normed(_ x: Tensor) throws(TensorError) -> Tensor {
    block == .postNorm ? x : try firstNorm(x)
  }

  /// A layer's output: of its input, of what attention read of it, and of its heads.
  func callAsFunction(_ x: Tensor, _ normed: Tensor, attended: Tensor) throws(TensorError) -> Tensor
  {
    let h = try attention.project(attended, residual: x)
    switch block {
    case .parallel: return try feedForward(normed, residual: h)
    case .parallelNorms: return try feedForward(secondNorm?(x) ?? x, residual: h)
    case .sequential: return try feedForward(secondNorm?(h) ?? h, residual: h)
    case .postNorm:
      let h = try firstNorm(h)
      let sum = try feedForward(h, residual: h)
      return try secondNorm?(sum) ?? sum
    }
  }
}
