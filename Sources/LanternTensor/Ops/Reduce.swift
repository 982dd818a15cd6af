internal import CLanternKernels

extension Tensor {
  /// Sums over the last axis: `[…]` of `[…, column]`.
  public func sum() throws(TensorError) -> Tensor { try reduced(LK_SUM, "sum") }

  /// Means over the last axis: `[…]` of `[…, column]`.
  public func mean() throws(TensorError) -> Tensor { try reduced(LK_MEAN, "mean") }

  /// Largest numbers of the last axis: `[…]` of `[…, column]`.
  public func maximum() throws(TensorError) -> Tensor { try reduced(LK_MAX, "maximum") }

  /// Smallest numbers of the last axis: `[…]` of `[…, column]`.
  public func minimum() throws(TensorError) -> Tensor { try reduced(LK_MIN, "minimum") }

  private func reduced(_ op: lk_reduction, _ name: String) throws(TensorError) -> Tensor {
    guard let columns = shape.last, columns > 0 else {
      throw .shape(op: name, expected: "[…, at least 1]", found: shape)
    }
    let x = try readable(name)
    let y = try Draft(Array(shape.dropLast()))
    kernels.reduce(op, x.floatPointer, Int64(elementCount / columns), Int64(columns), y.floats)
    return y.tensor()
  }
}
