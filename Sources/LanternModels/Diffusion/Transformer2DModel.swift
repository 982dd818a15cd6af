import LanternLayers
import LanternTensor

/// A transformer over the positions of a picture, with cross-attention to the text (Rombach et al. 2022,
/// arXiv:2112.10752, section 3.3).
struct Transformer2DModel: Sendable {
  private let norm: GroupNorm
  private let projectIn: Linear
  private let blocks: [BasicTransformerBlock]
  private let projectOut: Linear

  /// - Parameters:
  ///   - weights: the cursor at its tensors.
  ///   - channels: of the picture.
  ///   - heads: of each attention.
  ///   - context: features of a text token.
  ///   - depth: number of blocks.
  ///   - groups: of the norm before the blocks.
  /// - Throws: ``ModelError`` when a tensor is missing, of another shape, or not finite.
  init(
    _ weights: Weights, _ channels: Int, heads: Int, context: Int, depth: Int, groups: Int
  ) throws(ModelError) {
    self.channels = channels
    self.norm = try GroupNorm(weights["norm"], groups: groups, channels: channels, eps: 1e-6)
    // A linear map and a 1×1 convolution are the same here: a picture's pixels lie as tokens do.
    self.projectIn = try Linear(weights["proj_in"], channels, channels)
    self.blocks = try (0..<depth).map { index throws(ModelError) in
      try BasicTransformerBlock(
        weights["transformer_blocks"][index], channels, heads: heads, context: context)
    }
    self.projectOut = try Linear(weights["proj_out"], channels, channels)
  }

  /// Number of its blocks.
  var depth: Int { blocks.count }
  /// Channels of the picture.
  let channels: Int

  /// What its blocks need of a text, `[batch, token, feature]`.
  func keysAndValues(of text: Tensor) throws(TensorError) -> [Attention.KeysAndValues] {
    try blocks.map { block throws(TensorError) in try block.keysAndValues(of: text) }
  }

  /// The shape of `x`, `[batch, height, width, channel]`.
  func callAsFunction(_ x: Tensor, text: inout TextContext.Reader) throws(TensorError) -> Tensor {
    let shape = x.shape
    let tokens = try norm(x).reshaped([shape[0], shape[1] * shape[2], shape[3]])
    var h = try projectIn(tokens)
    for block in blocks { h = try block(h, text: text.next()) }
    return try projectOut(h, residual: x.reshaped(h.shape)).reshaped(shape)
  }
}

/// Self-attention, attention to the text, and a gated feed-forward layer.
struct BasicTransformerBlock: Sendable {
  private let norm1: LayerNorm
  private let attention1: Attention
  private let norm2: LayerNorm
  private let attention2: Attention
  private let norm3: LayerNorm
  private let feedForward: FeedForward

  init(_ weights: Weights, _ features: Int, heads: Int, context: Int) throws(ModelError) {
    self.norm1 = try LayerNorm(weights["norm1"], features)
    self.attention1 = try Attention(weights["attn1"], features, heads: heads, naming: .diffusers)
    self.norm2 = try LayerNorm(weights["norm2"], features)
    self.attention2 = try Attention(
      weights["attn2"], features, context: context, heads: heads, naming: .diffusers)
    self.norm3 = try LayerNorm(weights["norm3"], features)
    self.feedForward = try FeedForward(
      gated: weights["ff.net.0.proj"], weights["ff.net.2"], features, inner: 4 * features)
  }

  func keysAndValues(of text: Tensor) throws(TensorError) -> Attention.KeysAndValues {
    try attention2.keysAndValues(of: text)
  }

  func callAsFunction(_ x: Tensor, text context: CrossAttentionContext) throws(TensorError)
    -> Tensor
  {
    var h = try attention1(norm1(x), residual: x)
    let queries = try attention2.queries(of: norm2(h))
    var attended = try attention2.attend(queries, to: context.text)
    for picture in context.pictures {
      attended =
        try attended + picture.counting(attention2.attend(queries, to: picture.context))
    }
    h = try attention2.project(attended, residual: h)
    return try feedForward(norm3(h), residual: h)
  }
}
