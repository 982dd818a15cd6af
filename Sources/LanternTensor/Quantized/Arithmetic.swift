internal import CLanternKernels

/// The arithmetic of matrix products: the type that both operands are converted to before they are multiplied.
package enum Arithmetic: String, Sendable, CaseIterable {
  case float32 = "f32"
  /// Activations quantized to 14 bits, and 16-bit weights; exact 32-bit accumulators. On 64-bit ARM with
  /// f16 arithmetic products of f16.
  case int16 = "i16"
  /// Activations and weights of 8 bits; exact 32-bit accumulators.
  case int8 = "i8"

  /// The kernels' name for it.
  var kernelType: lk_dtype {
    switch self {
    case .float32: LK_F32
    case .int16: LK_I16
    case .int8: LK_I8
    }
  }
}
