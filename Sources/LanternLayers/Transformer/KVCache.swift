package import LanternTensor

/// Keys and values of the tokens that a decoder has read, so that none is computed twice.
///
/// ``append(_:layer:)`` writes new tokens behind those that are kept, where they may be attended to;
/// only ``keep(_:)`` makes them stay, so a picture's draft can be tried again and again on the same
/// past.
package struct KVCache: ~Copyable {
  /// How much there is of keys.
  package struct Shape: Sendable, Equatable {
    /// Of the decoder.
    package let layers: Int
    /// Of a layer's keys, and features of each.
    package let heads: Int, headSize: Int
    /// Of each layer, how many tokens a token attends to, itself among them: all before it where nil; of all layers
    /// where there are none.
    package let windows: [Int?]

    package init(layers: Int, heads: Int, headSize: Int, windows: [Int?] = []) {
      (self.layers, self.heads, self.headSize) = (layers, heads, headSize)
      self.windows = windows
    }

    /// How many tokens a layer's tokens attend to; nil for all before them.
    func window(_ layer: Int) -> Int? { windows.indices.contains(layer) ? windows[layer] : nil }

    /// What a token's keys are in a layer, and its values too: the numbers, and of int8 their scales.
    func rows(_ type: KVCacheType) -> [(width: Int, dtype: DType)] {
      [(heads * headSize, type.dtype)] + (type == .int8 ? [(heads, .float32)] : [])
    }

    /// Bytes that a token takes in all layers.
    package func bytesPerToken(_ type: KVCacheType) -> Int { layers * bytesPerRow(type) }

    /// Bytes that so many tokens take at most, those that no token attends to any more left out.
    package func byteCount(_ tokens: Int, _ type: KVCacheType) -> Int {
      (0..<layers).reduce(0) { $0 + LayerRows.capacity(of: tokens, window($1)) }
        * bytesPerRow(type)
    }

    /// Most keys that a block of up to 256 tokens attends to, the last of so many.
    package func visibleKeys(_ tokens: Int) -> Int {
      let layers = (0..<layers).map { LayerRows.visible(of: tokens, window($0)) }
      return layers.max() ?? 0
    }

    private func bytesPerRow(_ type: KVCacheType) -> Int {
      2 * rows(type).reduce(0) { $0 + $1.width * $1.dtype.byteSize }
    }
  }

  /// Tokens that are kept.
  package private(set) var count = 0
  private let shape: Shape
  private let type: KVCacheType
  private var layers: [LayerRows]
  /// Sequences that go on from the kept tokens, each by itself; none where there is one text.
  private var branches: [Branch] = []
  /// Of them, those that the next tokens belong to: one token each, or all to the only one.
  private var selected: [Int] = []
  private var isFilled = false
  /// Whether tokens that are read together become what they become when they are read one by one, to the bit; of more
  /// than four that takes longer.
  package var readsOneByOne = false
  /// The position of the next token, where it is another than the number of those that are kept.
  private var nextPosition: Int?
  /// Whether tokens stay that no other attends to any more.
  package var keepsAll = false

  /// An empty cache.
  ///
  /// - Parameters:
  ///   - shape: of keys.
  ///   - type: what keys and values are rounded to.
  ///   - capacity: tokens to hold without growing.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package init(_ shape: Shape, as type: KVCacheType, capacity: Int) throws(TensorError) {
    (self.shape, self.type) = (shape, type)
    layers = try (0..<shape.layers).map { layer throws(TensorError) in
      try LayerRows(shape, layer, type, capacity)
    }
  }

  /// Bytes that are allocated, for kept tokens and for those that there is room for.
  package var byteCount: Int {
    (layers + branches.flatMap(\.layers)).reduce(0) { $0 + $1.byteCount }
  }

  /// Writes keys and values of new tokens behind the kept ones, over any that were not kept.
  ///
  /// - Parameters:
  ///   - new: of `[1, token, feature]`.
  ///   - layer: whose they are.
  /// - Returns: all that the new tokens may attend to, `[1, count + token, feature]`, where the cache has it; of a layer
  ///   with a window, in whole blocks of 256; good until the next call.
  /// - Throws: ``TensorError`` for a wrong shape or no memory.
  mutating package func append(_ new: Attention.KeysAndValues, layer: Int) throws(TensorError)
    -> Attention.KeysAndValues
  {
    guard branches.isEmpty else { return try appendToBranches(new, layer: layer) }
    var all = try layers[layer].write(
      new.stored(as: type, heads: shape.heads), behind: count, drops: !keepsAll)
    all.inPlace = readsOneByOne
    return all
  }

  /// Whether no kept token was dropped.
  package var isWhole: Bool { layers.allSatisfy { $0.dropped == 0 } }

  /// Keys and values of the first `tokens`, of each layer, as the cache has them; good until the next call.
  package func contents(_ tokens: Int) -> [Attention.KeysAndValues] {
    layers.map { $0.rows(0..<min(tokens, count)) }
  }

  /// Replaces everything by what ``contents(_:)`` gave.
  ///
  /// - Parameter contents: of as many layers, each `[1, token, feature]`, of this cache's type.
  /// - Throws: ``TensorError`` for another shape or type, or no memory.
  mutating package func restore(_ contents: [Attention.KeysAndValues]) throws(TensorError) {
    forget(beyond: 0)
    keepsAll = true
    guard contents.count == layers.count, let tokens = contents.first?.keys.shape[1] else {
      throw .shape(op: "KVCache", expected: "\(layers.count) layers", found: [contents.count])
    }
    for (layer, all) in contents.enumerated() {
      guard all.keys.dtype == type.dtype, (all.scales == nil) == (type != .int8),
        all.keys.shape[1] == tokens
      else { throw .dtype(op: "KVCache", expected: type.rawValue, found: all.keys.dtype) }
      _ = try append(all, layer: layer)
    }
    count = tokens
  }

  /// Makes the last `tokens` that every layer wrote stay.
  mutating package func keep(_ tokens: Int) {
    guard branches.isEmpty else {
      for index in selected { branches[index].count += isFilled ? tokens : 1 }
      return
    }
    count += tokens
  }

  /// Forgets all tokens but the first `tokens`, and sequences behind them; all where what they attend to was dropped.
  mutating package func forget(beyond tokens: Int) {
    count = remaining(tokens)
    nextPosition = nil
    if count == 0 { layers.clear() }
    branches = []
  }

  /// Leaves out tokens amidst the kept ones; the next tokens stand where those stood, and attend to what is kept on both
  /// sides. Until ``forget(beyond:)`` of all, none of them is to be kept.
  ///
  /// - Parameter range: which; of the kept ones.
  /// - Throws: ``TensorError`` for no memory.
  mutating package func leaveOut(_ range: Range<Int>) throws(TensorError) {
    let (all, end) = (contents(count), count)
    guard range.upperBound < end else { return forget(beyond: range.lowerBound) }
    let rest = try all.map { layer throws(TensorError) in
      try Attention.KeysAndValues.joined(
        layer.tokens(0..<range.lowerBound), layer.tokens(range.upperBound..<end))
    }
    try restore(rest)
    nextPosition = range.lowerBound
  }

  /// How many tokens stay when all but the first ones are forgotten: none where what these attend to was dropped.
  package func remaining(_ tokens: Int) -> Int { layers.remaining(min(count, max(0, tokens))) }

  /// The positions of the next tokens.
  package func positions(_ tokens: Int) -> [Int] {
    guard let first = selected.first, !branches.isEmpty else {
      let first = nextPosition ?? count
      return Array(first..<first + tokens)
    }
    let next = count + branches[first].count
    return isFilled ? Array(next..<next + tokens) : selected.map { count + branches[$0].count }
  }
}

/// A sequence that goes on from tokens which it shares with others.
private struct Branch {
  /// Tokens that are kept.
  var count = 0
  var layers: [LayerRows]

  func copied() throws(TensorError) -> Branch {
    Branch(
      count: count,
      layers: try layers.map { layer throws(TensorError) in try layer.copied(count) })
  }

  /// Forgets all tokens but the first ones; all where what they attend to was dropped.
  mutating func forget(beyond tokens: Int) {
    count = layers.remaining(min(count, max(0, tokens)))
    if count == 0 { layers.clear() }
  }
}

// Several sequences behind one beginning, whose keys and values are there once, or behind none. A token attends to those
// and its own sequence's, and becomes what it becomes in its sequence alone, to the bit.
extension KVCache {
  /// Lets sequences go on from the kept tokens; ``forget(beyond:)`` ends them.
  ///
  /// - Parameters:
  ///   - sequences: how many.
  ///   - capacity: tokens of each to hold without growing.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  mutating package func branch(_ sequences: Int, capacity: Int) throws(TensorError) {
    branches = try (0..<sequences).map { _ throws(TensorError) in
      Branch(
        layers: try (0..<shape.layers).map { layer throws(TensorError) in
          try LayerRows(shape, layer, type, capacity)
        })
    }
  }

  /// Chooses the sequences that the next tokens belong to, one token each.
  mutating package func select(_ sequences: [Int]) {
    (selected, isFilled) = (sequences.filter(branches.indices.contains), false)
  }

  /// Chooses the sequence that the next tokens belong to, all of them; of sequences that share no beginning.
  ///
  /// - Parameters:
  ///   - sequence: its number.
  ///   - kept: tokens of it that stay; it forgets those behind.
  /// - Returns: how many stay: none where what they attend to was dropped.
  @discardableResult
  mutating package func fill(_ sequence: Int, behind kept: Int) -> Int {
    (selected, isFilled) = (branches.indices.contains(sequence) ? [sequence] : [], true)
    for index in selected { branches[index].forget(beyond: kept) }
    return selected.first.map { branches[$0].count } ?? 0
  }

  /// Begins a sequence anew with the first tokens of another one; with none where what they attend to was dropped.
  ///
  /// - Parameters:
  ///   - sequence: its number.
  ///   - tokens: how many.
  ///   - other: the other's number.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  mutating package func begin(_ sequence: Int, with tokens: Int, of other: Int) throws(TensorError)
  {
    guard branches.indices.contains(sequence), branches.indices.contains(other), sequence != other
    else { return }
    branches[sequence].forget(beyond: 0)
    let kept = min(max(0, tokens), branches[other].count)
    guard branches[other].layers.remaining(kept) > 0 else { return }
    for (layer, rows) in branches[other].layers.enumerated() {
      try branches[sequence].layers[layer].begin(with: kept, of: rows)
    }
    branches[sequence].count = kept
  }

  /// Replaces the sequences by others that go on from them.
  ///
  /// - Parameter origins: of each new sequence the old one.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  mutating package func reorder(_ origins: [Int]) throws(TensorError) {
    var taken: Set<Int> = []
    branches = try origins.filter(branches.indices.contains).map { origin throws(TensorError) in
      // The first to go on from a sequence has it, others have copies.
      taken.insert(origin).inserted
        ? branches[origin] : try branches[origin].copied()
    }
  }

  private mutating func appendToBranches(_ new: Attention.KeysAndValues, layer: Int)
    throws(TensorError) -> Attention.KeysAndValues
  {
    let stored = try new.stored(as: type, heads: shape.heads)
    if isFilled, count == 0, let only = selected.first {
      var all = try branches[only].layers[layer].write(
        stored, behind: branches[only].count, drops: !keepsAll)
      all.inPlace = readsOneByOne
      return all
    }
    guard !isFilled, new.keys.rank == 3, new.keys.shape[1] == selected.count else {
      throw .shape(op: "KVCache", expected: "[1, \(selected.count), _]", found: new.keys.shape)
    }
    var all = layers[layer].visible(behind: count, count)
    all.sequences = try selected.enumerated().map { row, index throws(TensorError) in
      try branches[index].layers[layer].write(
        stored.tokens(row..<row + 1), behind: branches[index].count, drops: !keepsAll)
    }
    return all
  }
}

extension Attention.KeysAndValues {
  /// As a cache keeps them.
  fileprivate func stored(as type: KVCacheType, heads: Int) throws(TensorError) -> Self {
    guard type == .int8, scales == nil else {
      var stored = Self(
        keys: try keys.converted(to: type.dtype), values: try values.converted(to: type.dtype))
      stored.scales = scales
      return stored
    }
    let (k, v) = (try keys.quantized(heads: heads), try values.quantized(heads: heads))
    var stored = Self(keys: k.codes, values: v.codes)
    stored.scales = KeyValueScales(keys: k.scales, values: v.scales)
    return stored
  }
}
