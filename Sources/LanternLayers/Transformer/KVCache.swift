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

    package init(layers: Int, heads: Int, headSize: Int) {
      (self.layers, self.heads, self.headSize) = (layers, heads, headSize)
    }

    /// What a token's keys are in a layer, and its values too: the numbers, and of int8 their scales.
    fileprivate func rows(_ type: KVCacheType) -> [(width: Int, dtype: DType)] {
      [(heads * headSize, type.dtype)] + (type == .int8 ? [(heads, .float32)] : [])
    }

    /// Bytes that a token takes in all layers.
    package func bytesPerToken(_ type: KVCacheType) -> Int {
      2 * layers * rows(type).reduce(0) { $0 + $1.width * $1.dtype.byteSize }
    }
  }

  /// Tokens that are kept.
  package private(set) var count = 0
  private let shape: Shape
  private let type: KVCacheType
  private var layers: [LayerRows]
  /// Sequences that go on from the kept tokens, each by itself; none where there is one text.
  private var branches: [Branch] = []
  /// The sequences that the next tokens belong to, one token each.
  private var selected: [Int] = []
  /// Whether tokens that are read together become what they become when they are read one by one, to the bit; of more
  /// than four that takes longer.
  package var readsOneByOne = false

  /// An empty cache.
  ///
  /// - Parameters:
  ///   - shape: of keys.
  ///   - type: what keys and values are rounded to.
  ///   - capacity: tokens to hold without growing.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package init(_ shape: Shape, as type: KVCacheType, capacity: Int) throws(TensorError) {
    (self.shape, self.type) = (shape, type)
    layers = try (0..<shape.layers).map { _ throws(TensorError) in
      try LayerRows(shape, type, capacity)
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
  /// - Returns: all that the new tokens may attend to, `[1, count + token, feature]`, where the cache has
  ///   it; good until the next call.
  /// - Throws: ``TensorError`` for a wrong shape or no memory.
  mutating package func append(_ new: Attention.KeysAndValues, layer: Int) throws(TensorError)
    -> Attention.KeysAndValues
  {
    guard branches.isEmpty else { return try appendToBranches(new, layer: layer) }
    var all = try layers[layer].write(new.stored(as: type, heads: shape.heads), behind: count)
    all.inPlace = readsOneByOne
    return all
  }

  /// Keys and values of the first `tokens`, of each layer, as the cache has them; good until the next call.
  package func contents(_ tokens: Int) -> [Attention.KeysAndValues] {
    layers.map { $0.first(min(tokens, count)) }
  }

  /// Replaces everything by what ``contents(_:)`` gave.
  ///
  /// - Parameter contents: of as many layers, each `[1, token, feature]`, of this cache's type.
  /// - Throws: ``TensorError`` for another shape or type, or no memory.
  mutating package func restore(_ contents: [Attention.KeysAndValues]) throws(TensorError) {
    count = 0
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
      for index in selected { branches[index].count += 1 }
      return
    }
    count += tokens
  }

  /// Forgets all tokens but the first `tokens`, and sequences behind them.
  mutating package func forget(beyond tokens: Int) {
    count = min(count, max(0, tokens))
    branches = []
  }

  /// The positions of the next tokens.
  package func positions(_ tokens: Int) -> [Int] {
    branches.isEmpty
      ? Array(count..<count + tokens) : selected.map { count + branches[$0].count }
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
}

// Several sequences behind one beginning, whose keys and values are there once. A token attends to those and its own
// sequence's, and becomes what it becomes in its sequence alone, to the bit.
extension KVCache {
  /// Lets sequences go on from the kept tokens, one at least; ``forget(beyond:)`` ends them.
  ///
  /// - Parameters:
  ///   - sequences: how many.
  ///   - capacity: tokens of each to hold without growing.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  mutating package func branch(_ sequences: Int, capacity: Int) throws(TensorError) {
    branches = try (0..<sequences).map { _ throws(TensorError) in
      Branch(
        layers: try layers.map { _ throws(TensorError) in try LayerRows(shape, type, capacity) })
    }
  }

  /// Chooses the sequences that the next tokens belong to, one token each.
  mutating package func select(_ sequences: [Int]) {
    selected = sequences.filter(branches.indices.contains)
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
    guard count > 0, new.keys.rank == 3, new.keys.shape[1] == selected.count else {
      throw .shape(op: "KVCache", expected: "[1, \(selected.count), _]", found: new.keys.shape)
    }
    var all = layers[layer].first(count)
    let stored = try new.stored(as: type, heads: shape.heads)
    all.sequences = try selected.enumerated().map { row, index throws(TensorError) in
      try branches[index].layers[layer].write(
        stored.tokens(row..<row + 1), behind: branches[index].count)
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

/// A layer's keys and values. Views of them are read within one step, before rows change.
private struct LayerRows {
  private var keys: Rows
  private var values: Rows
  /// Of int8.
  private var scales: (keys: Rows, values: Rows)?

  init(_ shape: KVCache.Shape, _ type: KVCacheType, _ capacity: Int) throws(TensorError) {
    let rows = shape.rows(type)
    func table(_ index: Int) throws(TensorError) -> Rows {
      try Rows(rows[index].width, rows[index].dtype, capacity)
    }
    (keys, values) = (try table(0), try table(0))
    if rows.count > 1 { scales = (try table(1), try table(1)) }
  }

  /// Bytes that are allocated.
  var byteCount: Int {
    [keys, values, scales?.keys, scales?.values].reduce(0) { $0 + ($1?.byteCount ?? 0) }
  }

  /// Those of the first tokens.
  func first(_ count: Int) -> Attention.KeysAndValues {
    var all = Attention.KeysAndValues(keys: keys.first(count), values: values.first(count))
    all.scales = scales.map {
      KeyValueScales(keys: $0.keys.first(count), values: $0.values.first(count))
    }
    return all
  }

  /// Writes new tokens behind the first ones; all of them.
  mutating func write(_ new: Attention.KeysAndValues, behind count: Int) throws(TensorError)
    -> Attention.KeysAndValues
  {
    try keys.write(new.keys, behind: count)
    try values.write(new.values, behind: count)
    if let newScales = new.scales {
      try scales?.keys.write(newScales.keys, behind: count)
      try scales?.values.write(newScales.values, behind: count)
    }
    return first(count + new.keys.shape[1])
  }

  /// A copy of the first tokens, with room for as many as there is here.
  func copied(_ count: Int) throws(TensorError) -> LayerRows {
    var copy = self
    (copy.keys, copy.values) = (try keys.copied(count), try values.copied(count))
    if let scales {
      copy.scales = (try scales.keys.copied(count), try scales.values.copied(count))
    }
    return copy
  }
}

/// A table of rows that grows.
private struct Rows {
  private var storage: Storage
  private var capacity: Int
  var byteCount: Int { storage.byteCount }
  private let width: Int
  private let dtype: DType

  init(_ width: Int, _ dtype: DType, _ capacity: Int) throws(TensorError) {
    (self.width, self.dtype, self.capacity) = (width, dtype, max(1, capacity))
    storage = try Self.storage(self.capacity, width, dtype)
  }

  private static func storage(_ capacity: Int, _ width: Int, _ dtype: DType) throws(TensorError)
    -> Storage
  {
    try Storage(
      byteCount: [capacity, width, dtype.byteSize].checkedElementCount(), isLongLived: true)
  }

  /// The first rows.
  func first(_ count: Int) -> Tensor {
    Tensor(storage: storage, shape: [1, count, width], dtype: dtype)
  }

  mutating func write(_ rows: Tensor, behind count: Int) throws(TensorError) {
    guard rows.rank == 3, rows.shape[0] == 1, rows.shape[2] == width, rows.dtype == dtype else {
      throw .shape(op: "KVCache", expected: "[1, _, \(width)]", found: rows.shape)
    }
    try grow(to: count + rows.shape[1], keeping: count)
    let source = try rows.contiguous()
    (storage.base + count * width * dtype.byteSize).copyMemory(
      from: source.bytes, byteCount: rows.elementCount * dtype.byteSize)
    withExtendedLifetime(source) {}
  }

  /// A copy of the first rows, with room for as many as there is here.
  func copied(_ count: Int) throws(TensorError) -> Rows {
    var copy = self
    copy.storage = try Self.storage(capacity, width, dtype)
    copy.storage.base.copyMemory(from: storage.base, byteCount: count * width * dtype.byteSize)
    return copy
  }

  private mutating func grow(to total: Int, keeping count: Int) throws(TensorError) {
    guard total > capacity else { return }
    let larger = max(total, 2 * capacity)
    let grown = try Self.storage(larger, width, dtype)
    grown.base.copyMemory(from: storage.base, byteCount: count * width * dtype.byteSize)
    (storage, capacity) = (grown, larger)
  }
}
