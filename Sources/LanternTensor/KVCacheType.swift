/// What a key-value cache keeps keys and values in.
public enum KVCacheType: String, Sendable, CaseIterable {
  case f32
  case f16
  /// One byte a number, with an f32 scale for each token and head: what a scale costs stands outside of the sums over a
  /// head, and heads may be of any size.
  case int8

  /// The smallest type that changes no result beyond a precision's own rounding.
  package init(for precision: Precision) { self = precision == .exact ? .f32 : .f16 }

  /// The type of tensors that hold keys and values.
  package var dtype: DType {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .int8: .uint8
    }
  }
}
