package import LanternLayers
package import LanternTensor

/// A causal transformer: it generates text token by token, and its hidden states condition other models
/// on a text.
package protocol CausalLanguageModel: Sendable {
  var sizes: DecoderSizes { get }
  /// Tokens beyond which positions turn the whole of a text otherwise, so that what a cache holds of a shorter one
  /// is to be read again, as transformers' `generate` does; nil where nothing changes.
  var switchLength: Int? { get }
  /// Tokens of a text up to which a token's keys do not depend on how many come behind it; nil where they never do.
  var stableLength: Int? { get }

  /// Reads tokens behind those that are kept in `cache`.
  ///
  /// - Parameters:
  ///   - ids: at least one.
  ///   - cache: the tokens before.
  ///   - mask: `.causal` for text; `.none` for tokens that attend to each other both ways.
  ///   - keeping: whether the new tokens join those before.
  /// - Returns: the last hidden states, `[1, token, feature]`.
  /// - Throws: ``TensorError`` for an id outside the vocabulary, or no memory.
  func read(_ ids: [Int], into cache: inout KVCache, mask: AttentionMask, keeping: Bool)
    throws(TensorError) -> Tensor

  /// Logits of the next token.
  ///
  /// - Parameter hidden: `[1, token, feature]`.
  /// - Returns: `[1, token, id]`.
  /// - Throws: ``TensorError`` for a wrong shape.
  func logits(_ hidden: Tensor) throws(TensorError) -> Tensor
}

/// A language model that answers a text which its encoder reads: it goes on from ``startToken`` once it has the text.
package protocol EncoderDecoder: CausalLanguageModel {
  /// The token that every answer begins with.
  var startToken: Int { get }

  /// The model as it answers a text.
  ///
  /// - Parameter text: ids of the text, one at least, with its end token.
  /// - Returns: the decoder, which attends to the text too.
  /// - Throws: ``TensorError`` for an id outside the vocabulary, or no memory.
  func answering(_ text: [Int]) throws(TensorError) -> any CausalLanguageModel
}

extension CausalLanguageModel {
  /// Features of a hidden state.
  package var features: Int { sizes.features }
  /// Tokens that the positions were trained for.
  package var maximumLength: Int { sizes.maximumLength }
  package var switchLength: Int? { nil }
  package var stableLength: Int? { nil }

  /// An empty cache.
  ///
  /// - Parameters:
  ///   - capacity: tokens to hold without growing.
  ///   - type: what keys and values are rounded to.
  /// - Returns: the cache.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package func makeCache(capacity: Int = 512, as type: KVCacheType = .f32) throws(TensorError)
    -> KVCache
  {
    try KVCache(sizes.cacheShape, as: type, capacity: capacity)
  }

  /// Reads tokens behind those that are kept in `cache`, and keeps them.
  package func read(_ ids: [Int], into cache: inout KVCache, mask: AttentionMask = .causal)
    throws(TensorError) -> Tensor
  {
    try read(ids, into: &cache, mask: mask, keeping: true)
  }

  /// Tokens that are read at a time, from multiples of so many on.
  package var blockLength: Int { 256 }

  /// Whether a text of so many tokens is read in blocks: what a block's tokens become is then the same for all texts
  /// that begin alike, to the bit, which it is not for all that is read at once.
  package func readsInBlocks(_ tokens: Int) -> Bool { stableLength.map { tokens <= $0 } ?? true }

  /// Reads tokens behind others in blocks, and keeps them; reads those again too where the text grows beyond
  /// ``switchLength``.
  ///
  /// - Parameters:
  ///   - ids: at least one.
  ///   - past: the tokens that `cache` holds.
  ///   - cache: the tokens before.
  /// - Returns: the last hidden states of `ids`, `[1, token, feature]`.
  /// - Throws: ``TensorError`` for an id outside the vocabulary, or no memory.
  package func read(_ ids: [Int], after past: [Int], into cache: inout KVCache)
    throws(TensorError) -> Tensor
  {
    if readsInBlocks(past.count + ids.count) {
      var (hidden, first): ([Tensor], Int) = ([], 0)
      while first < ids.count {
        let end = min(ids.count, first + blockLength - (past.count + first) % blockLength)
        hidden.append(try read(Array(ids[first..<end]), into: &cache))
        first = end
      }
      return hidden.count == 1 ? hidden[0] : try Tensor.concatenated(hidden, axis: 1)
    }
    guard let length = switchLength, !past.isEmpty, past.count <= length,
      past.count + ids.count > length
    else { return try read(ids, into: &cache) }
    cache.forget(beyond: 0)
    let hidden = try read(past + ids, into: &cache)
    return try hidden.sliced(axis: 1, past.count..<past.count + ids.count).contiguous()
  }
}
