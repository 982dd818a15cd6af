package import LanternLayers
package import LanternTensor

/// An adapter by which a denoiser attends to pictures in addition to the text: tokens of a picture, and keys
/// and values of them for each attention to the text.
package protocol ImagePromptAdapter: Sendable {
  /// Channels of each attention to the text: on the way down, on the way up, and in the middle.
  var attentionChannels: [Int] { get }
  /// Features of the picture that it takes.
  var inputs: Int { get }
  /// Whether it takes the hidden states of a picture, and not its embedding.
  var takesStates: Bool { get }

  /// Tokens, `[batch, token, feature]`.
  ///
  /// - Parameter picture: hidden states `[batch, position, feature]` where ``takesStates``, or else the
  ///   embedding, `[batch, feature]`.
  /// - Returns: tokens.
  /// - Throws: ``TensorError`` for a wrong shape.
  func tokens(of picture: Tensor) throws(TensorError) -> Tensor

  /// Keys and values of tokens, in the order of ``attentionChannels``.
  func keysAndValues(of tokens: Tensor) throws(TensorError) -> [Attention.KeysAndValues]
}

/// A picture that a denoiser attends to in addition to the text.
package struct PictureTokens: Sendable {
  /// What makes keys and values of the tokens.
  package let adapter: any ImagePromptAdapter
  /// `[row, token, feature]`.
  package var tokens: Tensor
  /// How much its attention counts next to that of the text.
  package let scale: Float
  /// Where its attention counts: `[position, 1]`, for each number of positions that the latent has on the way
  /// down; everywhere when nil.
  package let mask: [Int: Tensor]?

  /// - Parameters:
  ///   - adapter: what made the tokens.
  ///   - tokens: `[row, token, feature]`.
  ///   - scale: how much the attention to them counts.
  ///   - mask: where it counts.
  package init(
    _ adapter: any ImagePromptAdapter, tokens: Tensor, scale: Float, mask: [Int: Tensor]? = nil
  ) {
    (self.adapter, self.tokens, self.scale, self.mask) = (adapter, tokens, scale, mask)
  }

  /// The rows of all, picture by picture.
  static func joined(_ all: [[PictureTokens]]) throws(TensorError) -> [PictureTokens] {
    var joined = all.first ?? []
    for index in joined.indices {
      let rows = all.compactMap { $0.indices.contains(index) ? $0[index].tokens : nil }
      joined[index].tokens = try Tensor.concatenated(rows, axis: 0)
    }
    return joined
  }
}
