/// A shaped array of numbers, never changed after it is made.
///
/// Pictures and latents are `[batch, height, width, channel]`, text is `[batch, token, feature]`.
/// Slices, transposes and reshapes of contiguous tensors are views: they share the bytes. Tensors
/// may lie in a file that is mapped into memory. Operations take buffers from a shared pool.
public struct Tensor: Sendable {
  /// Sizes of the axes, outermost first.
  public let shape: [Int]
  /// Type of the elements.
  public let dtype: DType
  /// Distance between neighbours along each axis, in elements.
  package let strides: [Int]
  package private(set) var storage: Storage
  /// Byte offset of element `[0, …, 0]` in `storage`.
  package let byteOffset: Int

  package init(
    storage: Storage, shape: [Int], dtype: DType, strides: [Int]? = nil, byteOffset: Int = 0
  ) {
    self.storage = storage
    self.shape = shape
    self.dtype = dtype
    self.strides = strides ?? shape.contiguousStrides
    self.byteOffset = byteOffset
  }

  /// A tensor of `values` in row-major order.
  ///
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when the count does not fit `shape`.
  public init(_ values: [Float], shape: [Int]) throws(TensorError) {
    let draft = try Draft(shape, .float32)
    guard values.count == draft.elementCount else {
      throw .shape(op: "Tensor", expected: "\(values.count) elements", found: shape)
    }
    values.withUnsafeBytes { source in
      if let base = source.baseAddress {
        draft.bytes.copyMemory(from: base, byteCount: source.count)
      }
    }
    self = draft.tensor()
  }

  /// A tensor of integers in row-major order, of type ``DType/int32``.
  ///
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when the count does not fit `shape`.
  public init(_ values: [Int32], shape: [Int]) throws(TensorError) {
    let draft = try Draft(shape, .int32)
    guard values.count == draft.elementCount else {
      throw .shape(op: "Tensor", expected: "\(values.count) elements", found: shape)
    }
    values.withUnsafeBytes { source in
      if let base = source.baseAddress {
        draft.bytes.copyMemory(from: base, byteCount: source.count)
      }
    }
    self = draft.tensor()
  }

  /// A tensor of type ``DType/float32`` whose elements all are `value`.
  ///
  /// - Throws: ``TensorError/size(shape:)`` or ``TensorError/outOfMemory(byteCount:)``.
  public init(repeating value: Float, shape: [Int]) throws(TensorError) {
    let draft = try Draft(shape, .float32)
    draft.floats.update(repeating: value, count: draft.elementCount)
    self = draft.tensor()
  }

  /// Number of axes.
  public var rank: Int { shape.count }
  /// Number of elements.
  public var elementCount: Int { shape.elementCount }
  /// Whether elements lie in row-major order without gaps.
  public var isContiguous: Bool {
    var step = 1
    for axis in shape.indices.reversed() where shape[axis] != 1 {
      guard strides[axis] == step else { return elementCount == 0 }
      step *= shape[axis]
    }
    return true
  }

  /// The elements in row-major order.
  ///
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless the type is floating-point,
  ///   ``TensorError/outOfMemory(byteCount:)``.
  public func floats() throws(TensorError) -> [Float] {
    let source = try converted(to: .float32)
    try Memory.require(4 * elementCount)
    return Array(UnsafeBufferPointer(start: source.floatPointer, count: elementCount))
  }

  /// The elements in row-major order, of a tensor of type ``DType/int32``.
  ///
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` for another type.
  public func integers() throws(TensorError) -> [Int32] {
    guard dtype == .int32 else { throw .dtype(op: "integers", expected: "i32", found: dtype) }
    let source = try contiguous()
    try Memory.require(4 * elementCount)
    let pointer = source.bytes.assumingMemoryBound(to: Int32.self)
    return Array(UnsafeBufferPointer(start: pointer, count: elementCount))
  }

  /// Address of element `[0, …, 0]`. Valid while the tensor lives: keep it alive across the use.
  package var bytes: UnsafeMutableRawPointer { storage.base + byteOffset }
  /// Address of element `[0, …, 0]` of a tensor known to be f32.
  package var floatPointer: UnsafeMutablePointer<Float> {
    bytes.assumingMemoryBound(to: Float.self)
  }

  /// Releases the pages of a contiguous tensor in a mapped file; the system reads them again when touched.
  package func releasePages() {
    storage.releasePages(byteOffset..<byteOffset + elementCount * dtype.byteSize)
  }

  /// Self, checked to be f32 and made contiguous: what kernels read.
  package consuming func readable(_ op: String) throws(TensorError) -> Tensor {
    guard dtype == .float32 else { throw .dtype(op: op, expected: "f32", found: dtype) }
    return try contiguous()
  }

  /// A draft of the same shape: in this tensor's own bytes where they are uniquely referenced, so that a
  /// kernel that works in place needs no second buffer; this tensor must not be read after that.
  ///
  /// - Returns: the draft.
  /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
  mutating func draftInPlace() throws(TensorError) -> Draft {
    let isWhole = byteOffset == 0 && isContiguous && dtype == .float32 && !storage.isMapped
    guard isWhole, isKnownUniquelyReferenced(&storage) else { return try Draft(shape, dtype) }
    return Draft(storage, shape, dtype)
  }

  /// The index of `axis`, which may count from the end (-1 is the last).
  package func resolved(axis: Int, _ op: String) throws(TensorError) -> Int {
    let index = axis < 0 ? axis + rank : axis
    guard shape.indices.contains(index) else { throw .axis(op: op, axis: axis, rank: rank) }
    return index
  }
}
