import LanternLayers
import LanternTensor

/// A block of two streams, text and picture, which attend to both: diffusers' `FluxTransformerBlock` and
/// `Flux2TransformerBlock`.
struct JointBlock: Sendable {
  private let attention: JointAttention
  private let feedForward: TextAndPicture<FeedForward>
  private let norm: LayerNorm

  /// - Parameters:
  ///   - attention: of both.
  ///   - feedForward: one for each.
  ///   - eps: of the norms, which have no weights.
  init(_ attention: JointAttention, _ feedForward: TextAndPicture<FeedForward>, eps: Float) {
    (self.attention, self.feedForward, norm) = (attention, feedForward, LayerNorm(eps: eps))
  }

  /// The shapes of `streams`, each `[batch, token, feature]`.
  func callAsFunction(
    _ streams: TextAndPicture<Tensor>, _ parts: TextAndPicture<AdaLayerNormZero.Parts>,
    turns: TextAndPicture<RotaryEmbedding.Turn>
  ) throws(TensorError) -> TextAndPicture<Tensor> {
    let attended = try attention(
      TextAndPicture(
        text: norm(streams.text, parts.text.attention),
        picture: norm(streams.picture, parts.picture.attention)), turns: turns)
    return TextAndPicture(
      text: try parts.text.joined(streams.text, attended.text, feedForward.text, norm),
      picture: try parts.picture.joined(
        streams.picture, attended.picture, feedForward.picture, norm))
  }
}

extension AdaLayerNormZero.Parts {
  /// `x` with what attention gave, and what the feed-forward layer makes of both, each times its gate.
  func joined(
    _ x: Tensor, _ attended: Tensor, _ feedForward: FeedForward, _ norm: LayerNorm
  ) throws(TensorError) -> Tensor {
    let h = try x + attended * attentionGate
    return try h + feedForward(norm(h, self.feedForward)) * feedForwardGate
  }
}

/// A block of one stream, whose attention and feed-forward layer read the same in parallel (Dehghani et al. 2023,
/// arXiv:2302.05442): diffusers' `FluxSingleTransformerBlock` and `Flux2SingleTransformerBlock`.
struct ParallelBlock: Sendable {
  private let attention: Attention
  private let inner: Inner
  /// Of attention's heads and the feed-forward layer's inner features, side by side.
  private let out: Linear
  private let norm: LayerNorm

  /// The first half of the feed-forward layer.
  enum Inner: Sendable {
    case activated(Linear, Activation)
    case gated(GatedLinear)
  }

  /// - Parameters:
  ///   - attention: without an output of its own.
  ///   - inner: of the feed-forward layer.
  ///   - out: of both.
  ///   - eps: of the norm, which has no weights.
  init(_ attention: Attention, _ inner: Inner, _ out: Linear, eps: Float) {
    (self.attention, self.inner, self.out) = (attention, inner, out)
    norm = LayerNorm(eps: eps)
  }

  /// The shape of `x`, `[batch, token, feature]`.
  func callAsFunction(
    _ x: Tensor, _ parts: AdaLayerNormZeroSingle.Parts, turn: RotaryEmbedding.Turn
  ) throws(TensorError) -> Tensor {
    let normed = try norm(x, parts.norm)
    let attended = try attention.attend(
      attention.queries(of: normed, turn: turn),
      to: attention.keysAndValues(of: normed, turn: turn))
    let activated =
      switch inner {
      case .activated(let linear, let activation): try linear(normed, activation: activation)
      case .gated(let linear): try linear(normed)
      }
    let both = try Tensor.concatenated([attended, activated], axis: 2)
    return try x + out(both) * parts.gate
  }
}
