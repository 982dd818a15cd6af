import LanternLayers
import LanternTensor

/// Self-attention and a feed-forward layer, each normalised before: of CLIP's text and its pictures.
struct CLIPEncoderLayer: Sendable {
  private let attention: LanternLayers.Attention
  private let norm1: LayerNorm
  private let feedForward: FeedForward
  private let norm2: LayerNorm

  init(
    _ weights: Weights, _ size: Int, inner: Int, heads: Int, activation: Activation, eps: Float
  ) throws(ModelError) {
    self.attention = try Attention(
      weights["self_attn"], size, heads: heads, naming: .transformers)
    self.norm1 = try LayerNorm(weights["layer_norm1"], size, eps: eps)
    self.feedForward = try FeedForward(
      weights["mlp.fc1"], weights["mlp.fc2"], size, inner: inner, activation: activation)
    self.norm2 = try LayerNorm(weights["layer_norm2"], size, eps: eps)
  }

  func callAsFunction(_ x: Tensor, mask: AttentionMask) throws(TensorError) -> Tensor {
    let h = try attention(norm1(x), mask: mask, residual: x)
    return try feedForward(norm2(h), residual: h)
  }
}
