package import LanternTensor

/// A tensor that a file is to hold, made when it is written: a file may be larger than memory.
package struct PlannedTensor: Sendable {
  package let name: String
  package let shape: [Int]
  /// How the file has its elements; nil for a type of tensors that the format lacks.
  let element: ElementType?
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
    (self.name, self.element, self.shape) = (name, ElementType.of(dtype), first.shape)
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

  /// Integers of 64 bits, which tensors in memory do not have, as `[count]`.
  ///
  /// - Throws: ``FormatError/tensor(_:)`` for want of memory.
  package init(_ name: String, integers: [Int]) throws(FormatError) {
    let bytes: Tensor
    do throws(TensorError) {
      let draft = try Draft([8 * integers.count], .uint8)
      for (index, integer) in integers.enumerated() {
        draft.bytes.storeBytes(
          of: Int64(integer).littleEndian, toByteOffset: 8 * index, as: Int64.self)
      }
      bytes = draft.tensor()
    } catch {
      throw .tensor(error)
    }
    (self.name, self.element, self.shape) = (name, ElementType.named("I64"), [integers.count])
    self.make = { () throws(FormatError) in bytes }
  }

  /// Bytes of an element; 0 for one that the format lacks.
  var elementSize: Int { (element?.bits ?? 0) / 8 }
  var byteCount: Int { shape.reduce(1, *) * elementSize }
}
