package import LanternTensor

/// Attention with its four projections. Which of them have biases and how the checkpoint spells
/// them differs between models; what is computed does not.
package struct Attention: Sendable {
  private let q: Linear
  private let k: Linear
  private let v: Linear
  private let out: Linear
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
    /// `q`, `k`, `v`, `proj_out`, 1×1 convolutions: taming-transformers and its kin.
    case taming
  }

  /// - Parameters:
  ///   - weights: the place of its tensors.
  ///   - features: of a query token, divided by `heads`.
  ///   - context: features of a key token; those of a query when nil.
  ///   - heads: how many.
  ///   - spelling: what the checkpoint calls the maps.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, _ features: Int, context: Int? = nil, heads: Int, spelling: Spelling
  ) throws(ModelError) {
    let context = context ?? features
    let bias = spelling != .diffusers
    let places: (q: Weights, k: Weights, v: Weights, out: Weights) =
      switch spelling {
      case .diffusers:
        (weights["to_q"], weights["to_k"], weights["to_v"], weights["to_out"][0])
      case .autoencoder:
        (
          weights.either("to_q", "query"), weights.either("to_k", "key"),
          weights.either("to_v", "value"), weights.either("to_out.0", "proj_attn")
        )
      case .transformers:
        (weights["q_proj"], weights["k_proj"], weights["v_proj"], weights["out_proj"])
      case .taming: (weights["q"], weights["k"], weights["v"], weights["proj_out"])
      }
    self.q = try Linear(places.q, features, features, bias: bias)
    self.k = try Linear(places.k, context, features, bias: bias)
    self.v = try Linear(places.v, context, features, bias: bias)
    self.out = try Linear(places.out, features, features)
    self.heads = heads
    self.precision = weights.precision
  }

  /// What queries look at.
  package struct KeysAndValues: Sendable {
    let keys: Tensor
    let values: Tensor
  }

  /// The keys and values of a context, `[batch, key, feature]`: the same for all queries.
  package func keysAndValues(of context: Tensor) throws(TensorError) -> KeysAndValues {
    KeysAndValues(keys: try k(context), values: try v(context))
  }

  /// `residual + attention(x, seen)`.
  ///
  /// - Parameters:
  ///   - x: `[batch, token, feature]`.
  ///   - seen: what is looked at; `x` itself when nil.
  ///   - mask: which keys a token sees.
  ///   - residual: of the shape of `x`.
  /// - Returns: the shape of `x`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func callAsFunction(
    _ x: Tensor, seeing seen: KeysAndValues? = nil, mask: AttentionMask = .none,
    residual: consuming Tensor
  ) throws(TensorError) -> Tensor {
    let seen = if let seen { seen } else { try keysAndValues(of: x) }
    let mixed = try attention(
      q(x), seen.keys, seen.values, heads: heads, mask: mask, precision: precision)
    return try out(mixed, residual: residual)
  }
}
