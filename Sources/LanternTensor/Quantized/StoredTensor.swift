internal import CLanternKernels

/// A tensor as a file stores it: bytes of a format, decoded on demand.
package struct StoredTensor: Sendable {
  /// Sizes of the axes, outermost first.
  package let shape: [Int]
  /// How the elements are stored.
  package let format: BlockFormat
  private let strides: [Int]
  private let storage: Storage
  private let byteOffset: Int
  /// Elements from the first to the last, those that strides leave out among them.
  private let extent: Int

  /// Takes bytes for elements.
  ///
  /// - Parameters:
  ///   - storage: the bytes.
  ///   - shape: of whole blocks along the last axis.
  ///   - strides: in elements, as for formats of one element a block; contiguous when nil.
  ///   - format: how the elements are stored.
  ///   - byteOffset: of element `[0, …, 0]`, aligned or not.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` where blocks are not whole or bytes are too few.
  package init(
    _ storage: Storage, _ shape: [Int], strides: [Int]? = nil, as format: BlockFormat,
    at byteOffset: Int
  ) throws(TensorError) {
    let count = try shape.checkedElementCount()
    let row = shape.last ?? 1
    guard row % format.blockElements == 0, strides == nil || format.blockElements == 1 else {
      throw .shape(
        op: format.name, expected: "rows of a multiple of \(format.blockElements)", found: shape)
    }
    let strides = strides ?? shape.contiguousStrides
    let extent = count == 0 ? 0 : zip(shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
    let byteCount = extent / format.blockElements * format.blockBytes
    guard byteOffset >= 0, byteOffset <= storage.byteCount - byteCount else {
      throw .shape(
        op: format.name, expected: "\(storage.byteCount - byteOffset) bytes", found: shape)
    }
    self.storage = storage
    self.shape = shape
    self.strides = strides
    self.format = format
    self.byteOffset = byteOffset
    self.extent = extent
  }

  /// Stores numbers: as the nearest of a type, or in blocks.
  ///
  /// - Parameters:
  ///   - tensor: finite numbers up to f16's largest where the format is of blocks.
  ///   - format: one that ``BlockFormat/canEncode``.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` where rows are not of whole blocks,
  ///   ``TensorError/dtype(op:expected:found:)`` for a format that is only read.
  package init(encoding tensor: Tensor, as format: BlockFormat) throws(TensorError) {
    guard format.decode != nil else {
      let stored = try tensor.converted(to: format.dtype).contiguous()
      try self.init(stored.storage, stored.shape, as: format, at: stored.byteOffset)
      return
    }
    guard let kernelFormat = format.kernelFormat, format.canEncode else {
      throw .dtype(op: "encoding", expected: "a format that is written", found: tensor.dtype)
    }
    let numbers = try tensor.converted(to: .float32).contiguous()
    guard (tensor.shape.last ?? 1) % format.blockElements == 0 else {
      throw .shape(
        op: format.name, expected: "rows of a multiple of \(format.blockElements)",
        found: tensor.shape)
    }
    let blocks = tensor.elementCount / format.blockElements
    let storage = try Storage(byteCount: blocks * format.blockBytes)
    _ = kernels.encode(kernelFormat, numbers.floatPointer, Int64(blocks), storage.base)
    withExtendedLifetime(numbers) {}
    try self.init(storage, tensor.shape, as: format, at: 0)
  }

  /// Its bytes, which lie one behind the other where ``strides`` were not given, while this value lives.
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: storage.base + byteOffset, count: extent / format.blockElements * format.blockBytes)
  }

  /// The numbers, of the format's type: a view of the bytes where they lie as a tensor's do, otherwise a
  /// contiguous copy.
  ///
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  package func tensor() throws(TensorError) -> Tensor {
    guard let decode = format.decode else {
      let view = Tensor(
        storage: storage, shape: shape, dtype: format.dtype, strides: strides,
        byteOffset: byteOffset)
      guard byteOffset % format.dtype.byteSize != 0, view.isContiguous else {
        // Where it is not a view, it is copied element by element, which may be unaligned.
        return try view.contiguous()
      }
      let copy = try Draft(shape, format.dtype)
      copy.bytes.copyMemory(
        from: storage.base + byteOffset, byteCount: extent * format.dtype.byteSize)
      return copy.tensor()
    }
    let decoded = try self.decoded(by: decode)
    return try Tensor(
      storage: decoded.storage, shape: shape, dtype: format.dtype, strides: strides
    ).contiguous()
  }

  /// Rows of a matrix, by number, decoded: f32.
  ///
  /// - Parameter indices: each below `rows` of `self`, which is `[rows, feature]`.
  /// - Returns: `[indices.count, feature]`.
  /// - Throws: ``TensorError/range(op:found:size:)`` for an index outside.
  package func rows(_ indices: [Int]) throws(TensorError) -> Tensor {
    guard shape.count == 2 else {
      throw .shape(op: "rows", expected: "[row, feature]", found: shape)
    }
    let draft = try Draft([indices.count, shape[1]])
    for (position, index) in indices.enumerated() {
      guard (0..<shape[0]).contains(index) else {
        throw .range(op: "rows", found: index..<max(index, index &+ 1), size: shape[0])
      }
      let row = try row(index).tensor().converted(to: .float32)
      (draft.floats + position * shape[1]).update(from: row.floatPointer, count: shape[1])
    }
    return draft.tensor()
  }

  private func row(_ index: Int) throws(TensorError) -> StoredTensor {
    try rows(index..<index + 1)
  }

  /// Some rows of a matrix of blocks, where they lie.
  ///
  /// - Parameter range: which, of `self`, which is `[rows, feature]`.
  /// - Returns: `[range.count, feature]`.
  /// - Throws: ``TensorError/range(op:found:size:)`` for rows outside.
  package func rows(_ range: Range<Int>) throws(TensorError) -> StoredTensor {
    guard shape.count == 2, range.lowerBound >= 0, range.upperBound <= shape[0] else {
      throw .range(op: "rows", found: range, size: shape.first ?? 0)
    }
    return try StoredTensor(
      storage, [range.count, shape[1]], as: format, at: byteOffset + range.lowerBound * rowBytes)
  }

  /// One of a stack of matrices of blocks, where it lies.
  ///
  /// - Parameter index: which, of `self`, which is `[count, rows, feature]`.
  /// - Returns: `[rows, feature]`.
  /// - Throws: ``TensorError/range(op:found:size:)`` for one that is not there.
  package func matrix(_ index: Int) throws(TensorError) -> StoredTensor {
    guard shape.count == 3, (0..<shape[0]).contains(index) else {
      throw .range(op: "matrix", found: index..<max(index, index &+ 1), size: shape.first ?? 0)
    }
    return try StoredTensor(
      storage, [shape[1], shape[2]], as: format, at: byteOffset + index * shape[1] * rowBytes)
  }

  private var rowBytes: Int { (shape.last ?? 0) / format.blockElements * format.blockBytes }

  /// A copy of a matrix of blocks whose rows are in another order.
  ///
  /// - Parameter order: the row that becomes each.
  /// - Returns: the copy.
  /// - Throws: ``TensorError/range(op:found:size:)`` for a row that is not there.
  package func reorderingRows(_ order: [Int]) throws(TensorError) -> StoredTensor {
    guard shape.count == 2 else {
      throw .shape(op: "rows", expected: "[row, feature]", found: shape)
    }
    let copy = try Storage(byteCount: order.count * rowBytes)
    for (position, index) in order.enumerated() {
      guard (0..<shape[0]).contains(index) else {
        throw .range(op: "rows", found: index..<max(index, index &+ 1), size: shape[0])
      }
      (copy.base + position * rowBytes).copyMemory(
        from: storage.base + byteOffset + index * rowBytes, byteCount: rowBytes)
    }
    return try StoredTensor(copy, [order.count, shape[1]], as: format, at: 0)
  }

  /// The first block of ``BlockFormat/kernelFormat``.
  var blocks: UnsafeRawPointer { UnsafeRawPointer(storage.base + byteOffset) }

  /// Releases the mapped pages that were read; the system reads them again when they are touched.
  package func releasePages() {
    let bytes = extent / format.blockElements * format.blockBytes
    storage.releasePages(byteOffset..<byteOffset + bytes)
  }

  /// All elements from the first to the last in a row.
  private func decoded(by decode: BlockFormat.Decoder) throws(TensorError) -> Tensor {
    let draft = try Draft([extent], format.dtype)
    // A chunk stays in the nearest cache between its decoding and its rounding.
    let chunk = max(1, 4096 / format.blockElements)
    let floats = try Draft([chunk * format.blockElements])
    let blocks = extent / format.blockElements
    for first in stride(from: 0, to: blocks, by: chunk) {
      let count = min(chunk, blocks - first)
      let source = storage.base + byteOffset + first * format.blockBytes
      let element = first * format.blockElements
      if format.dtype == .float32 {
        decode(source, count, draft.floats + element)
      } else {
        decode(source, count, floats.floats)
        kernels.convert(
          floats.bytes, LK_F32, Int64(count * format.blockElements),
          draft.bytes + element * format.dtype.byteSize, format.dtype.kernelType)
      }
    }
    return draft.tensor()
  }
}
