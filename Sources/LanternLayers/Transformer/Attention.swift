package import LanternTensor

/// Multi-head attention with its four projections. Which of them have biases, whether heads are
/// normalised, how many share their keys, and how the checkpoint spells them differs between models; what is
/// computed does not.
package struct Attention: Sendable {
  private let q: Linear
  private let k: Linear
  private let v: Linear
  /// Nil where the heads' outputs are another map's to take.
  private let out: Linear?
  private let norms: (q: HeadNorm, k: HeadNorm)?
  private let heads: Int
  private let keyValueHeads: Int
  private let scale: Float?
  private let softCap: Float?
  private let precision: Precision

  /// How a family of checkpoints spells the projections.
  package enum Naming: Sendable {
    /// `to_q`, `to_k`, `to_v` without biases, `to_out.0`; `norm_q`, `norm_k`: diffusers' transformer blocks.
    case diffusers
    /// `add_q_proj`, `add_k_proj`, `add_v_proj`, `to_add_out`; `norm_added_q`, `norm_added_k`: the text's in diffusers'
    /// blocks of two streams, in the last of which it has no output.
    case added(hasOutput: Bool)
    /// `to_q`, `to_k`, `to_v`; `norm_q`, `norm_k`; no output: diffusers' blocks with the feed-forward layer in parallel.
    case parallel
    /// The same, whose rows are those of queries, keys and values, and others behind them, of this matrix.
    case fusedParallel(String, others: Int)
    /// The same as `diffusers` with biases, or `query`, `key`, `value`, `proj_attn` in older files: autoencoders.
    case autoencoder
    /// `q_proj`, `k_proj`, `v_proj`, `out_proj`, all with biases: transformers' CLIP.
    case transformers
    /// The same but for `dense`; `q_layernorm`, `k_layernorm`: transformers' Phi.
    case phi
    /// The same but for `o_proj`, without biases; `q_norm`, `k_norm`: transformers' Llama and its kin.
    case llama
    /// `qkv_proj`, whose rows are those of queries, keys and values, and `o_proj`, without biases: transformers' Phi-3.
    case phi3
    /// `Wqkv`, whose rows are those of queries, keys and values, and `out_proj`, without biases: Nomic's BERT.
    case nomic
    /// `q`, `k`, `v`, `proj_out`, 1×1 convolutions: taming-transformers and its kin.
    case taming
    /// `self.query`, `self.key`, `self.value`, `output.dense`, all with biases: transformers' BERT.
    case bert
    /// `q_lin`, `k_lin`, `v_lin`, `out_lin`, all with biases: transformers' DistilBERT.
    case distilbert
    /// `q`, `k`, `v`, `o`, without biases: transformers' T5.
    case t5
  }

  /// What each head's queries and keys are normalised by.
  package enum Normalization: Sendable {
    case layerNorm(eps: Float)
    case rmsNorm(eps: Float, addsUnitOffset: Bool = false)
  }

  /// - Parameters:
  ///   - weights: where its tensors are.
  ///   - features: of a query token.
  ///   - context: features of a key token; those of a query when nil.
  ///   - heads: how many; they divide `features` where `headSize` is nil.
  ///   - keyValueHeads: of keys and values, each for as many of the queries' heads in a row (grouped-query
  ///     attention, Ainslie et al. 2023, arXiv:2305.13245); as many as `heads` when nil.
  ///   - headSize: features of a head.
  ///   - bias: whether queries, keys and values have one; as the naming has it when nil.
  ///   - outBias: the same of the output.
  ///   - norm: of each head's queries and keys.
  ///   - scale: of the scores; 1/√headSize when nil.
  ///   - softCap: c of c · tanh(score / c), which the scores become; none when nil.
  ///   - naming: what the checkpoint calls the projections.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, _ features: Int, context: Int? = nil, heads: Int, keyValueHeads: Int? = nil,
    headSize: Int? = nil, bias: Bool? = nil, outBias: Bool? = nil, norm: Normalization? = nil,
    scale: Float? = nil, softCap: Float? = nil, naming: Naming
  ) throws(ModelError) {
    let (names, context) = (Names(naming, weights), context ?? features)
    let size = headSize ?? features / heads
    let keyValueHeads = keyValueHeads ?? heads
    let bias = bias ?? names.bias
    let (queries, keys) = (heads * size, keyValueHeads * size)
    if names.isFused {
      let all = queries + 2 * keys + names.otherRows
      self.q = try Linear(names.q, features, all, rows: 0..<queries, bias: bias)
      self.k = try Linear(names.k, features, all, rows: queries..<queries + keys, bias: bias)
      let values = queries + keys..<queries + 2 * keys
      self.v = try Linear(names.v, features, all, rows: values, bias: bias)
    } else {
      self.q = try Linear(names.q, features, queries, bias: bias)
      self.k = try Linear(names.k, context, keys, bias: bias)
      self.v = try Linear(names.v, context, keys, bias: bias)
    }
    self.out = try names.out.map { out throws(ModelError) in
      try Linear(out, queries, features, bias: outBias ?? names.outBias)
    }
    self.norms =
      if let norm {
        (
          try HeadNorm(weights[names.qNorm], size, norm),
          try HeadNorm(weights[names.kNorm], size, norm)
        )
      } else { nil }
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.scale = scale
    self.softCap = softCap
    self.precision = weights.precision
  }

  /// What queries attend to, each `[batch, key, head · feature]`.
  package struct KeysAndValues: Sendable {
    package let keys: Tensor
    package let values: Tensor
    /// What int8 keys and values are times.
    package var scales: KeyValueScales?
    /// Whether what comes of a query does not depend on the others, to the bit.
    var inPlace = false
    /// Of each query, what its own sequence has behind that.
    var sequences: [KeysAndValues]?

    /// Keys and values that another model made.
    package init(keys: Tensor, values: Tensor) { (self.keys, self.values) = (keys, values) }
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
      keys: try positioned(k(context), keyValueHeads, norms?.k, turn), values: try v(context))
  }

  /// The queries of tokens `[batch, token, feature]`, normalised and turned.
  package func queries(of x: Tensor, turn: RotaryEmbedding.Turn? = nil) throws(TensorError)
    -> Tensor
  {
    try positioned(q(x), heads, norms?.q, turn)
  }

  /// Attention's heads, side by side, before the output projection.
  package func attend(
    _ queries: Tensor, to context: KeysAndValues, mask: AttentionMask = .none,
    bias: RelativeBias? = nil
  ) throws(TensorError) -> Tensor {
    try attention(
      queries, context.keys, context.values, scales: context.scales, heads: heads, mask: mask,
      scale: scale, softCap: softCap, bias: bias, precision: precision, inPlace: context.inPlace,
      sequences: context.sequences?.map { ($0.keys, $0.values, $0.scales) })
  }

  /// `residual + out(attended)`.
  package func project(_ attended: Tensor, residual: consuming Tensor? = nil) throws(TensorError)
    -> Tensor
  {
    if let out { return try out(attended, residual: residual) }
    return if let residual { try residual + attended } else { attended }
  }

  /// `residual + attention(x, context)`.
  ///
  /// - Parameters:
  ///   - x: `[batch, token, feature]`.
  ///   - context: what is attended to; `x` itself when nil.
  ///   - mask: which keys a token attends to.
  ///   - residual: of the shape of `x`; none where a gate is to come before it.
  /// - Returns: the shape of `x`.
  /// - Throws: ``TensorError`` for a wrong shape.
  package func callAsFunction(
    _ x: Tensor, to context: KeysAndValues? = nil, mask: AttentionMask = .none,
    residual: consuming Tensor? = nil
  ) throws(TensorError) -> Tensor {
    let context = if let context { context } else { try keysAndValues(of: x) }
    return try project(attend(queries(of: x), to: context, mask: mask), residual: residual)
  }

  /// Each head of each token normalised by itself, then turned by its position.
  private func positioned(
    _ x: Tensor, _ heads: Int, _ norm: HeadNorm?, _ turn: RotaryEmbedding.Turn?
  ) throws(TensorError) -> Tensor {
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
    return (try tokens(0..<count / 2), try tokens(count / 2..<count))
  }

  /// Those of some tokens and of others behind them, in memory of their own.
  static func joined(_ first: Self, _ second: Self) throws(TensorError) -> Self {
    func both(_ one: Tensor, _ other: Tensor) throws(TensorError) -> Tensor {
      try Tensor.concatenated([one, other], axis: 1)
    }
    var joined = Self(
      keys: try both(first.keys, second.keys), values: try both(first.values, second.values))
    if let one = first.scales, let other = second.scales {
      joined.scales = KeyValueScales(
        keys: try both(one.keys, other.keys), values: try both(one.values, other.values))
    }
    return joined
  }

  /// Those of some tokens.
  package func tokens(_ range: Range<Int>) throws(TensorError) -> Self {
    var some = Self(
      keys: try keys.sliced(axis: 1, range), values: try values.sliced(axis: 1, range))
    guard let scales else { return some }
    some.scales = KeyValueScales(
      keys: try scales.keys.sliced(axis: 1, range), values: try scales.values.sliced(axis: 1, range)
    )
    return some
  }
}

/// What each head's queries or keys are normalised by.
private enum HeadNorm: Sendable {
  case layerNorm(LayerNorm)
  case rmsNorm(RMSNorm)

  init(_ weights: Weights, _ size: Int, _ norm: Attention.Normalization) throws(ModelError) {
    switch norm {
    case .layerNorm(let eps): self = .layerNorm(try LayerNorm(weights, size, eps: eps))
    case .rmsNorm(let eps, let addsUnitOffset):
      self = .rmsNorm(try RMSNorm(weights, size, eps: eps, addsUnitOffset: addsUnitOffset))
    }
  }

  func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
    switch self {
    case .layerNorm(let norm): try norm(x)
    case .rmsNorm(let norm): try norm(x)
    }
  }
}

/// Where a naming has the projections, and which of them have biases.
private struct Names {
  let q: Weights
  let k: Weights
  let v: Weights
  var out: Weights?
  var (qNorm, kNorm) = ("q_norm", "k_norm")
  var bias = true
  var outBias = true
  /// Whether queries, keys and values are rows of one matrix.
  var isFused = false
  /// Rows of that matrix behind theirs.
  var otherRows = 0

  init(_ naming: Attention.Naming, _ weights: Weights) {
    switch naming {
    case .diffusers:
      (q, k, v, out) = (weights["to_q"], weights["to_k"], weights["to_v"], weights["to_out"][0])
      (qNorm, kNorm) = ("norm_q", "norm_k")
      bias = false
    case .added(let hasOutput):
      (q, k, v) = (weights["add_q_proj"], weights["add_k_proj"], weights["add_v_proj"])
      out = hasOutput ? weights["to_add_out"] : nil
      (qNorm, kNorm) = ("norm_added_q", "norm_added_k")
    case .parallel:
      (q, k, v) = (weights["to_q"], weights["to_k"], weights["to_v"])
      (qNorm, kNorm) = ("norm_q", "norm_k")
    case .fusedParallel(let name, let others):
      (q, k, v) = (weights[name], weights[name], weights[name])
      (qNorm, kNorm) = ("norm_q", "norm_k")
      (bias, isFused, otherRows) = (false, true, others)
    case .autoencoder:
      (q, k) = (weights.either("to_q", "query"), weights.either("to_k", "key"))
      (v, out) = (weights.either("to_v", "value"), weights.either("to_out.0", "proj_attn"))
    case .transformers, .phi, .llama:
      (q, k, v) = (weights["q_proj"], weights["k_proj"], weights["v_proj"])
      switch naming {
      case .phi:
        out = weights["dense"]
        (qNorm, kNorm) = ("q_layernorm", "k_layernorm")
      case .llama:
        out = weights["o_proj"]
        (bias, outBias) = (false, false)
      default: out = weights["out_proj"]
      }
    case .phi3:
      (q, k, v) = (weights["qkv_proj"], weights["qkv_proj"], weights["qkv_proj"])
      out = weights["o_proj"]
      (bias, outBias, isFused) = (false, false, true)
    case .nomic:
      (q, k, v) = (weights["Wqkv"], weights["Wqkv"], weights["Wqkv"])
      out = weights["out_proj"]
      (bias, outBias, isFused) = (false, false, true)
    case .taming:
      (q, k, v, out) = (weights["q"], weights["k"], weights["v"], weights["proj_out"])
    case .bert:
      (q, k, v) = (weights["self.query"], weights["self.key"], weights["self.value"])
      out = weights["output.dense"]
    case .distilbert:
      (q, k, v) = (weights["q_lin"], weights["k_lin"], weights["v_lin"])
      out = weights["out_lin"]
    case .t5:
      (q, k, v, out) = (weights["q"], weights["k"], weights["v"], weights["o"])
      (bias, outBias) = (false, false)
    }
  }
}
