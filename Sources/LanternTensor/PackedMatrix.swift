internal import CLanternKernels

/// Weights of a linear map or convolution, laid out once so that a matrix product streams them.
///
/// Panels of 32 outputs, `[⌈outputs / 32⌉, inputs, 32]`, stored as f32, f16 or bf16; arithmetic is
/// f32 whatever the storage.
public struct PackedMatrix: Sendable {
  /// Rows of the matrix: features or channels it gives.
  public let outputs: Int
  /// Columns of the matrix: features it takes; for a convolution height · width · channel.
  public let inputs: Int
  /// How the weights are stored.
  public let dtype: DType
  let storage: Storage

  /// Packs `weight`, `[outputs, …]`, in its own type.
  ///
  /// - Throws: ``TensorError/dtype(op:expected:found:)`` unless the type is floating-point;
  ///   ``TensorError/shape(op:expected:found:)`` without at least two axes.
  public init(_ weight: Tensor) throws(TensorError) {
    guard weight.dtype.isFloatingPoint else {
      throw .dtype(op: "pack", expected: "f32, f16 or bf16", found: weight.dtype)
    }
    guard weight.rank >= 2, weight.elementCount > 0 else {
      throw .shape(op: "pack", expected: "[output, input]", found: weight.shape)
    }
    let source = try weight.contiguous()
    self.outputs = weight.shape[0]
    self.inputs = weight.elementCount / weight.shape[0]
    self.dtype = weight.dtype
    let kind = weight.dtype.kernelType
    self.storage = try Storage(
      byteCount: lk_packed_bytes(Int64(outputs), Int64(inputs), kind))
    kernels.pack(
      source.bytes, kind, Int64(outputs), Int64(inputs), Int64(inputs), storage.base, kind)
  }

  var byteCount: Int { storage.byteCount }

  var bytes: UnsafeRawPointer { UnsafeRawPointer(storage.base) }
}
