package import LanternTensor

/// Keys and values of the tokens that a decoder has read, so that none is computed twice.
///
/// ``append(_:layer:)`` writes new tokens behind those that are kept, where they may be attended to;
/// only ``keep(_:)`` makes them stay, so a picture's draft can be tried again and again on the same
/// past.
package struct KVCache: ~Copyable {
  /// Tokens that are kept.
  package private(set) var count = 0
  private let features: Int
  private var layers: [(keys: Rows, values: Rows)]
  /// Sequences that go on from the kept tokens, each by itself; none where there is one text.
  private var branches: [Branch] = []
  /// The sequences that the next tokens belong to, one token each.
  private var selected: [Int] = []
  /// Whether tokens that are read together become what they become when they are read one by one, to the bit; of more
  /// than four that takes longer.
  package var readsOneByOne = false
  /// The type that keys and values are rounded to.
  private var dtype = DType.float32

  /// An empty cache.
  ///
  /// - Parameters:
  ///   - layers: of the decoder.
  ///   - features: of a key and of a value, all heads together.
  ///   - capacity: tokens to hold without growing.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package init(layers: Int, features: Int, capacity: Int = 512) throws(TensorError) {
    self.features = features
    self.layers = try (0..<layers).map { _ throws(TensorError) in
      (try Rows(features, capacity), try Rows(features, capacity))
    }
  }

  /// Rounds keys and values to f16 from now on, which halves the cache; nothing has been read yet.
  mutating package func roundToFloat16() { dtype = .float16 }

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
    var all = Attention.KeysAndValues(
      keys: try layers[layer].keys.write(new.keys, behind: count, as: dtype),
      values: try layers[layer].values.write(new.values, behind: count, as: dtype))
    all.inPlace = readsOneByOne
    return all
  }

  /// Keys and values of the first `tokens`, of each layer, as the cache has them; good until the next call.
  package func contents(_ tokens: Int) -> [Attention.KeysAndValues] {
    layers.compactMap { layer in
      guard let keys = layer.keys.first(min(tokens, count), as: dtype),
        let values = layer.values.first(min(tokens, count), as: dtype)
      else { return nil }
      return Attention.KeysAndValues(keys: keys, values: values)
    }
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
      guard all.keys.dtype == dtype, all.values.dtype == dtype, all.values.shape == all.keys.shape,
        all.keys.shape[1] == tokens
      else { throw .dtype(op: "KVCache", expected: dtype.rawValue, found: all.keys.dtype) }
      _ = try append(all, layer: layer)
    }
    count = tokens
  }

  /// Bytes that a token takes in all layers.
  package var bytesPerToken: Int { layers.count * 2 * features * dtype.byteSize }

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
  var layers: [(keys: Rows, values: Rows)]

  func copied(as dtype: DType) throws(TensorError) -> Branch {
    Branch(
      count: count,
      layers: try layers.map { layer throws(TensorError) in
        (try layer.keys.copied(count, as: dtype), try layer.values.copied(count, as: dtype))
      })
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
        layers: try layers.map { _ throws(TensorError) in
          (try Rows(features, capacity), try Rows(features, capacity))
        })
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
        ? branches[origin] : try branches[origin].copied(as: dtype)
    }
  }

  private mutating func appendToBranches(_ new: Attention.KeysAndValues, layer: Int)
    throws(TensorError) -> Attention.KeysAndValues
  {
    guard let keys = layers[layer].keys.first(count, as: dtype), count > 0,
      let values = layers[layer].values.first(count, as: dtype), new.keys.shape[1] == selected.count
    else {
      throw .shape(op: "KVCache", expected: "[1, \(selected.count), _]", found: new.keys.shape)
    }
    var all = Attention.KeysAndValues(keys: keys, values: values)
    let (newKeys, newValues) = (
      try new.keys.converted(to: dtype), try new.values.converted(to: dtype)
    )
    all.sequences = try selected.enumerated().map { row, index throws(TensorError) in
      let (key, value) = (
        try newKeys.sliced(axis: 1, row..<row + 1), try newValues.sliced(axis: 1, row..<row + 1)
      )
      let kept = branches[index].count
      return (
        try branches[index].layers[layer].keys.write(key, behind: kept, as: dtype),
        try branches[index].layers[layer].values.write(value, behind: kept, as: dtype)
      )
    }
    return all
  }
}

/// A table of rows that grows. Views of it are read within one step, before rows change.
private struct Rows {
  /// Nothing before the first rows.
  private var storage: Storage?
  private var capacity: Int
  private let features: Int

  init(_ features: Int, _ capacity: Int) throws(TensorError) {
    self.features = features
    self.capacity = capacity
    _ = try [capacity, features].checkedElementCount()
  }

  /// The first rows; none where nothing was written.
  func first(_ count: Int, as dtype: DType) -> Tensor? {
    storage.map { Tensor(storage: $0, shape: [1, count, features], dtype: dtype) }
  }

  mutating func write(_ rows: Tensor, behind count: Int, as dtype: DType) throws(TensorError)
    -> Tensor
  {
    guard rows.rank == 3, rows.shape[0] == 1, rows.shape[2] == features,
      rows.dtype == .float32 || rows.dtype == dtype
    else { throw .shape(op: "KVCache", expected: "[1, _, \(features)]", found: rows.shape) }
    let total = count + rows.shape[1]
    let rowBytes = features * dtype.byteSize
    let storage = try room(for: total, behind: count, rowBytes: rowBytes)
    let source = try rows.converted(to: dtype).contiguous()
    (storage.base + count * rowBytes).copyMemory(
      from: source.bytes, byteCount: rows.elementCount * dtype.byteSize)
    return Tensor(storage: storage, shape: [1, total, features], dtype: dtype)
  }

  /// A copy of the first rows, with room for as many as there is here.
  func copied(_ count: Int, as dtype: DType) throws(TensorError) -> Rows {
    var copy = self
    let rowBytes = features * dtype.byteSize
    if let storage {
      let other = try Storage(byteCount: capacity * rowBytes)
      other.base.copyMemory(from: storage.base, byteCount: count * rowBytes)
      copy.storage = other
    }
    return copy
  }

  /// The storage, grown where it is too small.
  private mutating func room(for total: Int, behind count: Int, rowBytes: Int) throws(TensorError)
    -> Storage
  {
    if let storage, total <= capacity { return storage }
    let larger = total <= capacity ? capacity : max(total, 2 * capacity)
    let grown = try Storage(byteCount: [larger, rowBytes].checkedElementCount())
    if let storage { grown.base.copyMemory(from: storage.base, byteCount: count * rowBytes) }
    (storage, capacity) = (grown, larger)
    return grown
  }
}
