import LanternLayers

/// The tokens that a language model has read, with their keys and values, so that a text that begins with the same
/// ones goes on from there.
package struct LanguageContext: ~Copyable {
  /// The tokens, in order.
  package private(set) var tokens: [Int] = []
  var cache: KVCache

  init(_ cache: consuming KVCache) { self.cache = cache }

  /// Forgets all tokens but the first ones.
  mutating func forget(beyond count: Int) {
    cache.forget(beyond: count)
    tokens.removeLast(max(0, tokens.count - count))
  }

  /// Takes in tokens that the model has read into the cache.
  mutating func append(_ ids: [Int]) { tokens += ids }

  /// How many of a text's tokens are there already; the last one is always read again, for its logits.
  func sharedCount(with ids: [Int]) -> Int {
    min(zip(tokens, ids).prefix { $0 == $1 }.count, max(0, ids.count - 1))
  }
}
