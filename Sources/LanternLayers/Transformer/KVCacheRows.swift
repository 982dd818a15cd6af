import LanternTensor

/// A layer's keys and values. Views of them are read within one step, before rows change.
///
/// Of a layer with a window, what no token to come attends to is dropped, once there are ``slack`` such tokens and as
/// many more; so many tokens may be forgotten again. Views begin at multiples of the kernels' blocks of keys, whatever
/// was dropped, so that it changes no bit.
struct LayerRows {
  /// Tokens that are kept for being forgotten again, and moved at a time.
  private static let slack = 512
  private static let block = 256

  private let window: Int?
  /// Tokens before those that are here.
  private(set) var dropped = 0
  private var keys: Rows
  private var values: Rows
  /// Of int8.
  private var scales: (keys: Rows, values: Rows)?

  init(_ shape: KVCache.Shape, _ layer: Int, _ type: KVCacheType, _ capacity: Int)
    throws(TensorError)
  {
    let (rows, window) = (shape.rows(type), shape.window(layer))
    let capacity = Self.capacity(of: capacity, window)
    func table(_ index: Int) throws(TensorError) -> Rows {
      try Rows(
        rows[index].width, rows[index].dtype, capacity, maximum: Self.capacity(of: .max, window))
    }
    self.window = window
    (keys, values) = (try table(0), try table(0))
    if rows.count > 1 { scales = (try table(1), try table(1)) }
  }

  /// Rows that are kept when some are dropped.
  private static func kept(_ window: Int) -> Int {
    (min(window, 1 << 40) + slack + block - 1) / block * block
  }

  /// Rows that so many tokens take at most.
  static func capacity(of tokens: Int, _ window: Int?) -> Int {
    window.map { min(tokens, kept($0) + slack) } ?? tokens
  }

  /// Most rows that a block of tokens attends to, the last of so many.
  static func visible(of tokens: Int, _ window: Int?) -> Int {
    window.map { min(tokens, min($0, 1 << 40) + 2 * block) } ?? tokens
  }

  /// The first token that the one behind `count` others attends to, or one before that where a block of keys begins.
  private func firstVisible(behind count: Int) -> Int {
    window.map { max(0, count - $0 + 1) / Self.block * Self.block } ?? 0
  }

  /// Bytes that are allocated.
  var byteCount: Int {
    [keys, values, scales?.keys, scales?.values].reduce(0) { $0 + ($1?.byteCount ?? 0) }
  }

  /// Those of some tokens, none of which was dropped.
  func rows(_ tokens: Range<Int>) -> Attention.KeysAndValues {
    let range = max(0, tokens.lowerBound - dropped)..<max(0, tokens.upperBound - dropped)
    var all = Attention.KeysAndValues(keys: keys.rows(range), values: values.rows(range))
    all.scales = scales.map {
      KeyValueScales(keys: $0.keys.rows(range), values: $0.values.rows(range))
    }
    return all
  }

  /// Those that tokens behind `count` others attend to, of the first `total`.
  func visible(behind count: Int, _ total: Int) -> Attention.KeysAndValues {
    rows(min(firstVisible(behind: count), total)..<total)
  }

  /// Writes new tokens behind the first ones.
  ///
  /// - Returns: all that they attend to.
  mutating func write(_ new: Attention.KeysAndValues, behind count: Int, drops: Bool)
    throws(TensorError) -> Attention.KeysAndValues
  {
    let total = count + (new.keys.rank == 3 ? new.keys.shape[1] : 0)
    if let window, drops, total - dropped > Self.kept(window) + Self.slack {
      drop(below: (count - Self.kept(window)) / Self.block * Self.block, of: count)
    }
    try keys.write(new.keys, behind: count - dropped)
    try values.write(new.values, behind: count - dropped)
    if let newScales = new.scales {
      try scales?.keys.write(newScales.keys, behind: count - dropped)
      try scales?.values.write(newScales.values, behind: count - dropped)
    }
    return visible(behind: count, total)
  }

  /// Drops tokens below one, of `count`.
  private mutating func drop(below first: Int, of count: Int) {
    guard first > dropped else { return }
    let range = first - dropped..<count - dropped
    keys.move(range)
    values.move(range)
    scales?.keys.move(range)
    scales?.values.move(range)
    dropped = first
  }

  /// Whether all is here that a token behind the first ones attends to.
  func reaches(_ tokens: Int) -> Bool { firstVisible(behind: tokens) >= dropped }

  /// Forgets everything.
  mutating func clear() { dropped = 0 }

  /// Replaces everything by the first tokens of other rows, which reach those.
  mutating func begin(with tokens: Int, of other: LayerRows) throws(TensorError) {
    dropped = firstVisible(behind: tokens)
    let new = other.rows(dropped..<tokens)
    try keys.write(new.keys, behind: 0)
    try values.write(new.values, behind: 0)
    if let newScales = new.scales {
      try scales?.keys.write(newScales.keys, behind: 0)
      try scales?.values.write(newScales.values, behind: 0)
    }
  }

  /// A copy of the first tokens, with room for as many as there is here.
  func copied(_ count: Int) throws(TensorError) -> LayerRows {
    var copy = self
    let count = count - dropped
    (copy.keys, copy.values) = (try keys.copied(count), try values.copied(count))
    if let scales {
      copy.scales = (try scales.keys.copied(count), try scales.values.copied(count))
    }
    return copy
  }
}

extension [LayerRows] {
  /// So many first tokens, or none where what these attend to was dropped.
  func remaining(_ tokens: Int) -> Int { allSatisfy { $0.reaches(tokens) } ? tokens : 0 }

  /// Forgets everything.
  mutating func clear() {
    for index in indices { self[index].clear() }
  }
}

/// A table of rows that grows.
private struct Rows {
  private var storage: Storage
  private var capacity: Int
  var byteCount: Int { storage.byteCount }
  /// What it grows to at most while there are no more rows than that.
  private let maximum: Int
  private let width: Int
  private let dtype: DType

  init(_ width: Int, _ dtype: DType, _ capacity: Int, maximum: Int) throws(TensorError) {
    (self.width, self.dtype, self.capacity) = (width, dtype, max(1, capacity))
    self.maximum = maximum
    storage = try Self.storage(self.capacity, width, dtype)
  }

  private static func storage(_ capacity: Int, _ width: Int, _ dtype: DType) throws(TensorError)
    -> Storage
  {
    try Storage(
      byteCount: [capacity, width, dtype.byteSize].checkedElementCount(), isLongLived: true)
  }

  /// Some rows.
  func rows(_ range: Range<Int>) -> Tensor {
    Tensor(
      storage: storage, shape: [1, range.count, width], dtype: dtype,
      byteOffset: range.lowerBound * width * dtype.byteSize)
  }

  /// Moves rows to the front, over those before them.
  mutating func move(_ range: Range<Int>) {
    let bytes = width * dtype.byteSize
    storage.base.copyMemory(
      from: storage.base + range.lowerBound * bytes, byteCount: range.count * bytes)
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
    let larger = max(total, min(2 * capacity, maximum))
    let grown = try Self.storage(larger, width, dtype)
    grown.base.copyMemory(from: storage.base, byteCount: count * width * dtype.byteSize)
    (storage, capacity) = (grown, larger)
  }
}
