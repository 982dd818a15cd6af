package import LanternLayers
package import LanternTensor

/// Phi's decoder (Li et al. 2023, arXiv:2309.05463): attention and feed-forward side by side behind
/// one norm, part of each head rotated; here with the normalised queries and keys of Show-o.
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
    self.rotary = RotaryEmbedding(features: config.rotatedFeatures, theta: config.ropeTheta)
  }

  /// An empty memory for this decoder.
  package func makeCache(capacity: Int) throws(TensorError) -> KVCache {
    try KVCache(layers: layers.count, features: config.hiddenSize, capacity: capacity)
  }

  /// The last hidden states of tokens that follow what is kept in `cache`; nothing of them is kept.
  ///
  /// - Parameters:
  ///   - x: embeddings, `[1, token, feature]`.
  ///   - cache: the tokens before.
  ///   - mask: which of all tokens each new one sees.
  /// - Returns: the shape of `x`.
  /// - Throws: ``TensorError`` for a wrong shape or no memory.
  package func callAsFunction(_ x: Tensor, after cache: inout KVCache, mask: AttentionMask)
    throws(TensorError) -> Tensor
  {
    let turn = try rotary.turn(cache.count..<cache.count + x.shape[1])
    var h = x
    for (index, layer) in layers.enumerated() {
      let (normed, q, k, v) = try layer.heads(of: h, turn: turn)
      let all = try cache.append(k, v, layer: index)
      h = try layer(h, normed, mixed: layer.attend(q, all, mask: mask))
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
    func halves(_ x: Tensor) throws(TensorError) -> (Tensor, Tensor) {
      (try x.sliced(axis: 1, 0..<count), try x.sliced(axis: 1, count..<2 * count))
    }
    var h = x
    for (index, layer) in layers.enumerated() {
      let (normed, q, k, v) = try layer.heads(of: h, turn: turn)
      let (queries, keys, values) = (try halves(q), try halves(k), try halves(v))
      let mixed = [
        try layer.attend(
          queries.0, first.append(keys.0, values.0, layer: index), mask: .none),
        try layer.attend(
          queries.1, second.append(keys.1, values.1, layer: index), mask: .none),
      ]
      h = try layer(h, normed, mixed: Tensor.concatenated(mixed, axis: 1))
    }
    return try finalNorm(h)
  }
}

private struct PhiLayer: Sendable {
  private let q: Linear
  private let k: Linear
  private let v: Linear
  private let dense: Linear
  private let qNorm: LayerNorm
  private let kNorm: LayerNorm
  private let fc1: Linear
  private let fc2: Linear
  private let norm: LayerNorm
  private let heads: Int
  private let activation: Activation
  private let precision: Precision

  init(_ weights: Weights, _ config: PhiConfig) throws(ModelError) {
    let (size, inner) = (config.hiddenSize, config.intermediateSize)
    let attention = weights["self_attn"]
    self.q = try Linear(attention["q_proj"], size, size)
    self.k = try Linear(attention["k_proj"], size, size)
    self.v = try Linear(attention["v_proj"], size, size)
    self.dense = try Linear(attention["dense"], size, size)
    self.qNorm = try LayerNorm(
      attention["q_layernorm"], config.headSize, eps: config.layerNormEps)
    self.kNorm = try LayerNorm(
      attention["k_layernorm"], config.headSize, eps: config.layerNormEps)
    self.fc1 = try Linear(weights["mlp.fc1"], size, inner)
    self.fc2 = try Linear(weights["mlp.fc2"], inner, size)
    self.norm = try LayerNorm(weights["input_layernorm"], size, eps: config.layerNormEps)
    self.heads = config.numAttentionHeads
    self.activation = config.hiddenAct
    self.precision = weights.precision
  }

  /// `norm(x)`, and its queries, keys and values, turned by their positions.
  func heads(of x: Tensor, turn: RotaryEmbedding.Turn) throws(TensorError) -> (
    normed: Tensor, q: Tensor, k: Tensor, v: Tensor
  ) {
    let h = try norm(x)
    return (
      h, try turn(normalized(q(h), qNorm), heads: heads),
      try turn(normalized(k(h), kNorm), heads: heads), try v(h)
    )
  }

  /// Attention's heads, side by side.
  func attend(_ q: Tensor, _ all: (keys: Tensor, values: Tensor), mask: AttentionMask)
    throws(TensorError) -> Tensor
  {
    try attention(q, all.keys, all.values, heads: heads, mask: mask, precision: precision)
  }

  /// `x + dense(mixed) + mlp(normed)`.
  func callAsFunction(_ x: Tensor, _ normed: Tensor, mixed: Tensor) throws(TensorError) -> Tensor {
    try fc2(fc1(normed, activation: activation), residual: dense(mixed, residual: x))
  }

  /// Each head of each token normalised by itself.
  private func normalized(_ x: Tensor, _ norm: LayerNorm) throws(TensorError) -> Tensor {
    let apart = try x.reshaped([x.shape[1] * heads, x.shape[2] / heads])
    return try norm(apart).reshaped(x.shape)
  }
}
