/// A buffer being filled: the only way to write elements. Freezing it gives a ``Tensor``.
package struct Draft: ~Copyable {
  package let shape: [Int]
  package let dtype: DType
  private let storage: Storage

  /// Takes an uninitialised buffer for `shape` from the pool.
  ///
  /// - Throws: ``TensorError/size(shape:)`` or ``TensorError/outOfMemory(byteCount:)``.
  package init(_ shape: [Int], _ dtype: DType = .float32) throws(TensorError) {
    self.shape = shape
    self.dtype = dtype
    self.storage = try Storage(byteCount: shape.checkedElementCount() * dtype.byteSize)
  }

  /// Writes into a uniquely referenced buffer.
  init(_ storage: Storage, _ shape: [Int], _ dtype: DType) {
    self.shape = shape
    self.dtype = dtype
    self.storage = storage
  }

  package var elementCount: Int { shape.elementCount }
  package var bytes: UnsafeMutableRawPointer { storage.base }
  package var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }

  /// The finished tensor.
  package consuming func tensor() -> Tensor {
    Tensor(storage: storage, shape: shape, dtype: dtype)
  }
}

extension Tensor? {
  /// As ``Tensor/draftInPlace()``; without a tensor a new one of `shape`, f32.
  ///
  /// - Parameter shape: of the draft.
  /// - Returns: the draft.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  mutating func draftInPlace(or shape: [Int]) throws(TensorError) -> Draft {
    guard var tensor = take() else { return try Draft(shape) }
    let draft = try tensor.draftInPlace()
    self = tensor
    return draft
  }
}

extension [Int] {
  /// Product of the sizes of a shape that is known to be sound.
  package var elementCount: Int { reduce(1, *) }

  /// Product of the sizes.
  ///
  /// - Throws: ``TensorError/size(shape:)`` when a size is negative or the bytes would overflow, those
  ///   of any slice included: a size of 0 does not excuse the others.
  package func checkedElementCount() throws(TensorError) -> Int {
    var count = 1
    for size in self {
      let (product, overflow) = count.multipliedReportingOverflow(by: Swift.max(size, 1))
      guard size >= 0, !overflow, product <= Int.max / 16 else { throw .size(shape: self) }
      count = product
    }
    return contains(0) ? 0 : count
  }

  /// Strides, in elements, of a contiguous array of this shape.
  package var contiguousStrides: [Int] {
    var strides = self
    var step = 1
    for axis in indices.reversed() {
      strides[axis] = step
      step *= Swift.max(self[axis], 1)
    }
    return strides
  }
}
