package import LanternTensor

/// What a text encoder makes of a text.
package struct TextEncoding: Sendable {
  /// States of tokens, `[1, token, feature]`.
  package let states: Tensor
  /// The projected state of the end-of-text token behind all layers, `[1, feature]`; nil for models
  /// without a projection.
  package let pooled: Tensor?
}

/// Vectors of tokens that are not in a text encoder's vocabulary: those of textual inversion.
package struct AddedTokens: Sendable {
  /// The id of the first; the others follow it.
  package let firstID: Int
  /// `[token, feature]`, f32.
  package let vectors: Tensor

  /// Vectors of the ids from `firstID` on, `[token, feature]`, f32.
  package init(firstID: Int, vectors: Tensor) {
    (self.firstID, self.vectors) = (firstID, vectors)
  }
}

/// A model from token ids to hidden states that a denoiser attends to.
package protocol TextEncoder: Sendable {
  /// Features of a token's vector.
  var features: Int { get }
  /// Size of the vocabulary: ids are below it.
  var vocabularySize: Int { get }
  /// Maximum number of tokens of one text.
  var maximumLength: Int { get }

  /// Features of ``TextEncoding/pooled``; 0 where there is none.
  var pooledFeatures: Int { get }

  /// Encodes a text.
  ///
  /// - Parameters:
  ///   - tokens: ids with their begin, end and padding tokens, at most ``maximumLength``.
  ///   - added: tokens that are not in the vocabulary; their ids are at least ``vocabularySize``.
  ///   - skippedLayers: how many of the last layers the states leave out (diffusers' `clip_skip`).
  ///   - isNormalized: whether states pass the last norm.
  /// - Returns: states and, where the model has one, the pooled vector.
  /// - Throws: ``TensorError`` for an id outside the vocabulary or too many tokens.
  func encode(
    _ tokens: [Int], adding added: AddedTokens?, skippedLayers: Int, isNormalized: Bool
  ) throws(TensorError) -> TextEncoding
  /// Number of layers, an upper bound for `skippedLayers`.
  var layerCount: Int { get }
}
