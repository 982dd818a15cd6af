/// The type of a tensor's elements.
public enum DType: String, Sendable, CaseIterable {
  case float32 = "f32"
  case float16 = "f16"
  case bfloat16 = "bf16"
  case int32 = "i32"
  case uint8 = "u8"

  /// Bytes an element takes.
  public var byteSize: Int {
    switch self {
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    case .uint8: 1
    }
  }

  /// Whether elements are floating-point numbers: what weights may be stored as.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float16, .bfloat16: true
    case .int32, .uint8: false
    }
  }
}
