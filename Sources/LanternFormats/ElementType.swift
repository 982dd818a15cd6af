internal import LanternTensor

/// A type that files name for the elements of a tensor: how safetensors and PyTorch spell it, and which
/// format it is.
struct ElementType: Sendable {
  /// As safetensors spells it.
  let name: String
  let bits: Int
  /// What PyTorch's checkpoints call it: a class of storages or, where there is none, the type itself.
  private let torch: String?
  /// Nil for one that Lantern does not compute with.
  let format: BlockFormat?

  private init(_ name: String, _ bits: Int, torch: String? = nil, format: BlockFormat? = nil) {
    self.name = name
    self.bits = bits
    self.torch = torch
    self.format = format
  }

  /// All types of safetensors, in the order of its reference implementation.
  static let all = [
    ElementType("BOOL", 8, torch: "BoolStorage"),
    ElementType("F4", 4),
    ElementType("F6_E2M3", 6),
    ElementType("F6_E3M2", 6),
    ElementType("U8", 8, torch: "ByteStorage", format: .u8),
    ElementType("I8", 8, torch: "CharStorage", format: .i8),
    ElementType("F8_E5M2", 8, torch: "float8_e5m2", format: .f8E5M2),
    ElementType("F8_E4M3", 8, torch: "float8_e4m3fn", format: .f8E4M3),
    ElementType("F8_E8M0", 8, torch: "float8_e8m0fnu"),
    ElementType("F8_E4M3FNUZ", 8, torch: "float8_e4m3fnuz"),
    ElementType("F8_E5M2FNUZ", 8, torch: "float8_e5m2fnuz"),
    ElementType("I16", 16, torch: "ShortStorage"),
    ElementType("U16", 16, torch: "uint16"),
    ElementType("F16", 16, torch: "HalfStorage", format: .f16),
    ElementType("BF16", 16, torch: "BFloat16Storage", format: .bf16),
    ElementType("I32", 32, torch: "IntStorage", format: .i32),
    ElementType("U32", 32, torch: "uint32"),
    ElementType("F32", 32, torch: "FloatStorage", format: .f32),
    ElementType("C64", 64),
    ElementType("F64", 64, torch: "DoubleStorage"),
    ElementType("I64", 64, torch: "LongStorage"),
    ElementType("U64", 64, torch: "uint64"),
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  private static let byTorchName = Dictionary(
    uniqueKeysWithValues: all.compactMap { type in type.torch.map { ($0, type) } })

  /// The type that safetensors spells so.
  static func named(_ name: String) -> ElementType? { byName[name] }

  /// The type that PyTorch calls so: a storage's class or a type, without its module.
  static func named(inTorch name: String) -> ElementType? { byTorchName[name] }

  /// The type whose elements tensors of a type have.
  static func of(_ dtype: DType) -> ElementType? {
    all.first { $0.format?.dtype == dtype && $0.format?.decode == nil }
  }

  /// Names of the types that Lantern computes with, in a line.
  static let supported = all.filter { $0.format != nil }.map(\.name).joined(separator: ", ")
}
