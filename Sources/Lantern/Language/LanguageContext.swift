import LanternLayers
import LanternModels
import LanternTensor

/// The tokens that a language model has read, with their keys and values, so that a text that begins with the same
/// ones goes on from there.
package struct LanguageContext: ~Copyable {
  /// The tokens, in order.
  package private(set) var tokens: [Int] = []
  /// How many of the first tokens were read in whole blocks: what they became is the same for all texts that begin
  /// with them.
  private(set) var blockTokens = 0
  var cache: KVCache

  init(_ cache: consuming KVCache) { self.cache = cache }

  /// Forgets all tokens but the first ones; all where what these attend to was dropped.
  mutating func forget(beyond count: Int) {
    cache.forget(beyond: count)
    tokens.removeLast(max(0, tokens.count - cache.count))
    blockTokens = min(blockTokens, tokens.count)
  }

  /// Reads tokens behind those that are there.
  ///
  /// - Parameters:
  ///   - ids: one at least.
  ///   - network: the model's.
  /// - Returns: their last hidden states, `[1, token, feature]`.
  /// - Throws: `TensorError` for an id outside the vocabulary, or no memory.
  mutating func read(_ ids: [Int], with network: any CausalLanguageModel) throws -> Tensor {
    let hidden = try network.read(ids, after: tokens, into: &cache)
    let isBehindBlocks = blockTokens == tokens.count
    tokens += ids
    if isBehindBlocks, network.readsInBlocks(tokens.count) {
      blockTokens = tokens.count / network.blockLength * network.blockLength
    }
    return hidden
  }

  /// Replaces everything by tokens in whole blocks, with what they became.
  mutating func restore(_ ids: [Int], _ contents: [LanternLayers.Attention.KeysAndValues]) throws {
    forget(beyond: 0)
    try cache.restore(contents)
    (tokens, blockTokens) = (ids, ids.count)
  }

  /// How many of a text's tokens are there already; the last one is always read again, for its logits.
  func sharedCount(with ids: [Int]) -> Int {
    cache.remaining(min(zip(tokens, ids).prefix { $0 == $1 }.count, max(0, ids.count - 1)))
  }
}
