import LanternLayers
import LanternTensor

/// A block of T5: self-attention, in the decoder attention to the encoder's states, and a feed-forward layer, each behind
/// its norm. Scores are not scaled.
struct T5Layer: Sendable {
  private let attention: Sublayer
  private let crossAttention: Sublayer?
  private let feedForwardNorm: RMSNorm
  private let feedForward: FeedForward
  /// Of distances; nil where the block before has it.
  let bias: RelativePositionBias?

  /// Attention and the norm before it.
  private struct Sublayer: Sendable {
    let norm: RMSNorm
    let attention: LanternLayers.Attention

    init(_ weights: Weights, _ name: String, _ config: T5Config) throws(ModelError) {
      norm = try RMSNorm(weights["layer_norm"], config.features, eps: config.normEps)
      attention = try Attention(
        weights[name], config.features, heads: config.heads, headSize: config.headSize, scale: 1,
        naming: .t5)
    }
  }

  init(_ weights: Weights, _ config: T5Config, hasBias: Bool, isDecoder: Bool) throws(ModelError) {
    let parts = weights["layer"]
    attention = try Sublayer(parts[0], "SelfAttention", config)
    crossAttention = isDecoder ? try Sublayer(parts[1], "EncDecAttention", config) : nil
    bias =
      hasBias
      ? try RelativePositionBias(
        parts[0]["SelfAttention.relative_attention_bias"], heads: config.heads,
        buckets: config.buckets, maximumDistance: config.maximumDistance,
        isBidirectional: !isDecoder) : nil
    let last = parts[isDecoder ? 2 : 1]
    let (size, inner) = (config.features, config.inner)
    let maps = last["DenseReluDense"]
    feedForwardNorm = try RMSNorm(last["layer_norm"], size, eps: config.normEps)
    feedForward =
      config.isGated
      ? try FeedForward(
        values: maps["wi_1"], gates: maps["wi_0"], maps["wo"], size, inner: inner,
        activation: config.activation)
      : try FeedForward(
        maps["wi"], maps["wo"], size, inner: inner, bias: false, activation: config.activation)
  }

  /// The shape of `x`, the tokens of several texts, which attend to those of their own.
  func callAsFunction(_ x: Tensor, _ texts: TextRuns, _ bias: RelativeBias?) throws(TensorError)
    -> Tensor
  {
    try output(x) { attention, normed throws(TensorError) in
      try attention.attend(
        attention.queries(of: normed), to: attention.keysAndValues(of: normed), within: texts,
        bias: bias)
    }
  }

  /// The keys and values of what the encoder read, where this is a decoder's.
  func keysAndValues(of states: Tensor) throws(TensorError) -> LanternLayers.Attention
    .KeysAndValues?
  {
    try crossAttention?.attention.keysAndValues(of: states)
  }

  /// The shape of `x`, `[1, token, feature]`. `cache` puts new keys and values behind those before, and gives all of them;
  /// `context` are the keys and values of what the encoder read.
  func callAsFunction(
    _ x: Tensor, to context: LanternLayers.Attention.KeysAndValues, mask: AttentionMask,
    bias: RelativeBias?,
    cache: (LanternLayers.Attention.KeysAndValues) throws(TensorError)
      -> LanternLayers.Attention.KeysAndValues
  ) throws(TensorError) -> Tensor {
    try output(x, to: context) { attention, normed throws(TensorError) in
      let all = try cache(attention.keysAndValues(of: normed))
      return try attention.attend(
        attention.queries(of: normed), to: all, mask: mask, bias: bias)
    }
  }

  private func output(
    _ x: Tensor, to context: LanternLayers.Attention.KeysAndValues? = nil,
    _ attend: (LanternLayers.Attention, Tensor) throws(TensorError) -> Tensor
  ) throws(TensorError) -> Tensor {
    let attended = try attend(attention.attention, attention.norm(x))
    var h = try attention.attention.project(attended, residual: x)
    if let crossAttention, let context {
      h = try crossAttention.attention(crossAttention.norm(h), to: context, residual: h)
    }
    return try feedForward(feedForwardNorm(h), residual: h)
  }
}
