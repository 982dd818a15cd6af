package import LanternLayers
package import LanternTensor

/// Keys and values of the tokens around a block that is filled in, of its first step and used in the next ones: Fast-dLLM
/// (Wu et al. 2025, arXiv:2505.22618). Tokens attend to each other both ways, so that those of later steps would be
/// others: an approximation, renewed with each block.
package struct MaskedTextCache: ~Copyable {
  /// Which tokens are read anew in each step.
  package enum Kind: String, Sendable, CaseIterable {
    /// The block and all behind it: keys and values of those before it are kept.
    case prefix
    /// The block alone: keys and values of those on both sides are kept.
    case dual
  }

  private let kind: Kind?
  private var cache: KVCache
  private var block: Range<Int>?

  /// - Parameters:
  ///   - kind: which tokens are read anew; all when nil.
  ///   - cache: an empty one of the model's.
  package init(_ kind: Kind?, _ cache: consuming KVCache) {
    self.kind = kind
    self.cache = cache
    self.cache.keepsAll = true
  }

  /// Logits of the tokens of a block, by the first call for it of the whole text, by others of what is read anew; of a
  /// shifted model the first token's then are those of its own state, as in Fast-dLLM's code, where none but it has been
  /// filled in by the first.
  ///
  /// - Parameters:
  ///   - network: the model, the same in each call.
  ///   - ids: the text, with masked tokens.
  ///   - positions: the block.
  /// - Returns: `[position, id]`.
  /// - Throws: ``TensorError`` for an id outside the vocabulary, or no memory.
  package mutating func scores(
    _ network: some MaskedLanguageModel, _ ids: [Int], of positions: Range<Int>
  ) throws(TensorError) -> Tensor {
    guard let kind else { return try network.scores(ids, of: positions) }
    let end = kind == .dual ? positions.upperBound : ids.count
    guard block == positions else {
      block = positions
      cache.forget(beyond: 0)
      let states = try network.read(ids, into: &cache, mask: .none, keeping: true)
      let logits = try network.scores(states, of: positions)
      try cache.leaveOut(positions.lowerBound..<end)
      return logits
    }
    let states = try network.read(
      Array(ids[positions.lowerBound..<end]), into: &cache, mask: .none, keeping: false)
    return try network.scores(states, of: 0..<positions.count)
  }
}
