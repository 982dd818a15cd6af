internal import CLanternKernels

extension Tensor {
  /// Whether every element is a finite number; integers are. `self` is contiguous.
  package var isFiniteEverywhere: Bool {
    guard dtype.isFloatingPoint else { return true }
    return lk_all_finite(bytes, dtype.kernelType, Int64(elementCount))
  }
}
