package import LanternTensor

/// Multi-head attention with its four projections. Which of them have biases, whether heads are
/// normalised, and how the checkpoint spells them differs between models; what is computed does not.
package struct Attention: Sendable {
  private let q: Linear
  private let k: Linear
  private let v: Linear
  private let out: Linear
  private let norms: (q: LayerNorm, k: LayerNorm)?
  private let heads: Int
  private let precision: Precision

  /// How a family of checkpoints spells the projections.
  package enum Spelling: Sendable {
    /// `to_q`, `to_k`, `to_v` without biases, `to_out.0`: diffusers' transformer blocks.
    case diffusers
    /// The same with biases, or `query`, `key`, `value`, `proj_attn` in older files: autoencoders.
    case autoencoder
    /// `q_proj`, `k_proj`, `v_proj`, `out_proj`, all with biases: transformers' CLIP.
    case transformers
    /// The same but for `dense`, with each head's queries and keys normalised by `q_layernorm` and
    /// `k_layernorm` with this epsilon: transformers' Phi with `qk_layernorm`.
    case phi(eps: Float)
    /// `q`, `k`, `v`, `proj_out`, 1×1 convolutions: taming-transformers and its kin.
    case taming
  }

  /// - Parameters:
  ///   - weights: where its tensors are.
  ///   - features: of a query token, divided by `heads`.
  ///   - context: features of a key token; those of a query when nil.
  ///   - heads: how many.
  ///   - spelling: what the checkpoint calls the projections.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, _ features: Int, context: Int? = nil, heads: Int, spelling: Spelling
  ) throws(ModelError) {
    let context = context ?? features
    var hasBias = true
    var norms: (q: LayerNorm, k: LayerNorm)?
    let parts: (q: Weights, k: Weights, v: Weights, out: Weights)
    switch spelling {
    case .diffusers:
      hasBias = false
      parts = (weights["to_q"], weights["to_k"], weights["to_v"], weights["to_out"][0])
    case .autoencoder:
      parts = (
        weights.either("to_q", "query"), weights.either("to_k", "key"),
        weights.either("to_v", "value"), weights.either("to_out.0", "proj_attn")
      )
    case .transformers:
      parts = (weights["q_proj"], weights["k_proj"], weights["v_proj"], weights["out_proj"])
    case .phi(let eps):
      parts = (weights["q_proj"], weights["k_proj"], weights["v_proj"], weights["dense"])
      norms = (
        try LayerNorm(weights["q_layernorm"], features / heads, eps: eps),
        try LayerNorm(weights["k_layernorm"], features / heads, eps: eps)
      )
    case .taming: parts = (weights["q"], weights["k"], weights["v"], weights["proj_out"])
    }
    self.q = try Linear(parts.q, features, features, bias: hasBias)
    self.k = try Linear(parts.k, context, features, bias: hasBias)
    self.v = try Linear(parts.v, context, features, bias: hasBias)
    self.out = try Linear(parts.out, features, features)
    self.norms = norms
    self.heads = heads
    self.precision = weights.precision
  }

  /// What queries attend to, each `[batch, key, head · feature]`.
  package struct KeysAndValues: Sendable {
    let keys: Tensor
    let values: Tensor
  }

  /// The keys and values of a context, `[batch, key, feature]`: the same for all queries.
  ///
  /// - Parameters:
  ///   - context: the tokens.
  ///   - turn: their positions; nil for attention that knows none.
  /// - Returns: keys, normalised and turned, and values.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func keysAndValues(of context: Tensor, turn: RotaryEmbedding.Turn? = nil)
    throws(TensorError) -> KeysAndValues
  {
    KeysAndValues(
      keys: try positioned(k(context), norms?.k, turn), values: try v(context))
  }

  /// The queries of tokens `[batch, token, feature]`, normalised and turned.
  package func queries(of x: Tensor, turn: RotaryEmbedding.Turn? = nil) throws(TensorError)
    -> Tensor
  {
    try positioned(q(x), norms?.q, turn)
  }

  /// Attention's heads, side by side, before the output projection.
  package func attend(_ queries: Tensor, to context: KeysAndValues, mask: AttentionMask = .none)
    throws(TensorError) -> Tensor
  {
    try attention(
      queries, context.keys, context.values, heads: heads, mask: mask, precision: precision)
  }

  /// `residual + out(attended)`.
  package func project(_ attended: Tensor, residual: consuming Tensor) throws(TensorError) -> Tensor
  {
    try out(attended, residual: residual)
  }

  /// `residual + attention(x, context)`.
  ///
  /// - Parameters:
  ///   - x: `[batch, token, feature]`.
  ///   - context: what is attended to; `x` itself when nil.
  ///   - mask: which keys a token attends to.
  ///   - residual: of the shape of `x`.
  /// - Returns: the shape of `x`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func callAsFunction(
    _ x: Tensor, to context: KeysAndValues? = nil, mask: AttentionMask = .none,
    residual: consuming Tensor
  ) throws(TensorError) -> Tensor {
    let context = if let context { context } else { try keysAndValues(of: x) }
    return try project(attend(queries(of: x), to: context, mask: mask), residual: residual)
  }

  /// Each head of each token normalised by itself, then turned by its position.
  private func positioned(_ x: Tensor, _ norm: LayerNorm?, _ turn: RotaryEmbedding.Turn?)
    throws(TensorError) -> Tensor
  {
    var x = x
    if let norm {
      let apart = try x.reshaped([x.elementCount / x.shape[2] * heads, x.shape[2] / heads])
      x = try norm(apart).reshaped(x.shape)
    }
    if let turn { x = try turn(x, heads: heads) }
    return x
  }
}

extension Attention.KeysAndValues {
  /// Those of two sequences of as many tokens that lie one after the other, `[1, 2 · key, feature]`.
  package func halves() throws(TensorError) -> (first: Self, second: Self) {
    let count = keys.shape[1]
    let (first, second) = (0..<count / 2, count / 2..<count)
    return (
      Self(keys: try keys.sliced(axis: 1, first), values: try values.sliced(axis: 1, first)),
      Self(keys: try keys.sliced(axis: 1, second), values: try values.sliced(axis: 1, second))
    )
  }
}
