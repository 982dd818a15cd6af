package import LanternLayers
package import LanternTensor

/// One transformer that writes text token by token and draws pictures by filling in masked codes.
package protocol UnifiedTransformer: CausalLanguageModel {
  /// The layout of the vocabulary.
  var tokens: TokenMap { get }
  /// Codes of a picture.
  var codesPerPicture: Int { get }
  /// Channels of the ``TokenCodec/features(of:)`` by which pictures to caption are embedded; 0
  /// where their codes are.
  var shownFeatures: Int { get }

  /// Reads a picture to caption, with its task token, into an empty cache.
  ///
  /// - Parameters:
  ///   - features: the codec's, `[1, position, channel]`.
  ///   - cache: the cache.
  /// - Returns: the last hidden states, `[1, token, feature]`.
  /// - Throws: ``TensorError`` for a wrong shape, no memory, or a model that embeds codes.
  func read(features: Tensor, into cache: inout KVCache) throws(TensorError) -> Tensor

  /// Reads a draft of a picture after two caches at once; neither changes.
  ///
  /// - Parameters:
  ///   - block: ``TokenMap/block(_:)``.
  ///   - first: tokens before, as a prompt.
  ///   - second: others, as an empty prompt.
  /// - Returns: the last hidden states behind the first and behind the second,
  ///   `[1, 2 · token, feature]`.
  /// - Throws: ``TensorError`` for an id outside the vocabulary or no memory.
  func read(draft block: [Int], after first: inout KVCache, and second: inout KVCache)
    throws(TensorError) -> Tensor

  /// Scores of codes: of a picture's tokens, to draw on.
  ///
  /// - Parameter hidden: `[…, token, feature]`.
  /// - Returns: `[…, token, code]`.
  /// - Throws: ``TensorError`` for a wrong shape.
  func codeLogits(_ hidden: Tensor) throws(TensorError) -> Tensor
}
