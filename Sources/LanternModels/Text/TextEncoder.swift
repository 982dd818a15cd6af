package import LanternTensor

/// A model from token ids to hidden states that a denoiser attends to.
package protocol TextEncoder: Sendable {
  /// Features of a token's vector.
  var features: Int { get }
  /// Size of the vocabulary: ids are below it.
  var vocabularySize: Int { get }
  /// Maximum number of tokens of one text.
  var maximumLength: Int { get }

  /// The hidden states of a text, a row for each token.
  ///
  /// - Parameters:
  ///   - tokens: ids with their begin, end and padding marks, at most ``maximumLength``.
  ///   - skippedLayers: how many of the last layers to leave out (diffusers' `clip_skip`).
  /// - Returns: `[1, token, feature]`.
  /// - Throws: ``TensorError`` for an id outside the vocabulary or too many tokens.
  func encode(_ tokens: [Int], skippedLayers: Int) throws(TensorError) -> Tensor
  /// Number of layers, an upper bound for `skippedLayers`.
  var layerCount: Int { get }
}
