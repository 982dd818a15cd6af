package import LanternTensor

/// A tensor that a file is to hold, made when it is written: a file may be larger than memory.
package struct PlannedTensor: Sendable {
  package let name: String
  package let dtype: DType
  package let shape: [Int]
  /// Makes it.
  package let make: @Sendable () throws(FormatError) -> Tensor

  /// - Parameters:
  ///   - name: in the file.
  ///   - dtype: what it is converted to; its own when nil.
  ///   - make: makes it; called twice, and cheap for what is a view of a file.
  /// - Throws: what `make` throws.
  package init(
    _ name: String, as dtype: DType? = nil,
    _ make: @escaping @Sendable () throws(FormatError) -> Tensor
  ) throws(FormatError) {
    let first = try make()
    let dtype = first.dtype.isFloatingPoint ? dtype ?? first.dtype : first.dtype
    (self.name, self.dtype, self.shape) = (name, dtype, first.shape)
    self.make = { () throws(FormatError) in
      let tensor = try make()
      defer { tensor.releasePages() }
      let converted: Tensor
      do throws(TensorError) {
        converted = try tensor.converted(to: dtype).contiguous()
      } catch {
        throw .tensor(error)
      }
      guard tensor.dtype == dtype || converted.isFiniteEverywhere || !tensor.isFiniteEverywhere
      else { throw .overflow(name: name, type: dtype.rawValue, file: "the new file") }
      return converted
    }
  }

  var byteCount: Int { shape.reduce(1, *) * dtype.byteSize }
}
