package import LanternTensor

/// A type of ggml's tensors: its number in a GGUF file, its name, and the format of its blocks.
package struct GGMLType: Sendable {
  let number: UInt32
  /// As ggml spells it.
  package let name: String
  package let blockElements: Int
  let blockBytes: Int
  /// Nil for one that Lantern does not compute with.
  package let format: BlockFormat?

  private init(_ number: UInt32, _ name: String, _ format: BlockFormat) {
    (self.number, self.name, self.format) = (number, name, format)
    (self.blockElements, self.blockBytes) = (format.blockElements, format.blockBytes)
  }

  private init(_ number: UInt32, _ name: String, elements: Int, bytes: Int) {
    (self.number, self.name, self.format) = (number, name, nil)
    (self.blockElements, self.blockBytes) = (elements, bytes)
  }

  /// All that ggml has had since GGUF.
  private static let all: [GGMLType] = [
    GGMLType(0, "F32", .f32), GGMLType(1, "F16", .f16), GGMLType(30, "BF16", .bf16),
    GGMLType(2, "Q4_0", .q4_0), GGMLType(3, "Q4_1", .q4_1), GGMLType(6, "Q5_0", .q5_0),
    GGMLType(7, "Q5_1", .q5_1), GGMLType(8, "Q8_0", .q8_0), GGMLType(10, "Q2_K", .q2_K),
    GGMLType(11, "Q3_K", .q3_K), GGMLType(12, "Q4_K", .q4_K), GGMLType(13, "Q5_K", .q5_K),
    GGMLType(14, "Q6_K", .q6_K), GGMLType(20, "IQ4_NL", .iq4_nl), GGMLType(23, "IQ4_XS", .iq4_xs),
    GGMLType(34, "TQ1_0", .tq1_0), GGMLType(35, "TQ2_0", .tq2_0), GGMLType(39, "MXFP4", .mxfp4),
    GGMLType(26, "I32", .i32),
    GGMLType(9, "Q8_1", elements: 32, bytes: 40), GGMLType(15, "Q8_K", elements: 256, bytes: 292),
    GGMLType(16, "IQ2_XXS", elements: 256, bytes: 66),
    GGMLType(17, "IQ2_XS", elements: 256, bytes: 74),
    GGMLType(18, "IQ3_XXS", elements: 256, bytes: 98),
    GGMLType(19, "IQ1_S", elements: 256, bytes: 50),
    GGMLType(21, "IQ3_S", elements: 256, bytes: 110),
    GGMLType(22, "IQ2_S", elements: 256, bytes: 82),
    GGMLType(29, "IQ1_M", elements: 256, bytes: 56),
    GGMLType(24, "I8", elements: 1, bytes: 1), GGMLType(25, "I16", elements: 1, bytes: 2),
    GGMLType(27, "I64", elements: 1, bytes: 8), GGMLType(28, "F64", elements: 1, bytes: 8),
    GGMLType(40, "NVFP4", elements: 64, bytes: 36), GGMLType(41, "Q1_0", elements: 128, bytes: 18),
    GGMLType(42, "Q2_0", elements: 64, bytes: 18),
  ]

  private static let byNumber = Dictionary(uniqueKeysWithValues: all.map { ($0.number, $0) })

  static func numbered(_ number: UInt32) -> GGMLType? { byNumber[number] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The type that ggml calls so; nil where there is none.
  package static func named(_ name: String) -> GGMLType? { byName[name] }

  /// What `general.file_type` calls files whose matrices are of this type: llama.cpp's `llama_ftype`; nil where it
  /// has no such files.
  package var fileType: Int? {
    let numbers = [
      "F32": 0, "F16": 1, "BF16": 32, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9,
      "Q4_K": 14, "Q6_K": 18,
    ]
    return numbers[name]
  }

  /// Whether it has fewer bits for a number than Q6_K.
  package var isNarrow: Bool { blockBytes * 256 < blockElements * 210 }

  /// The type for rows that do not fill this one's blocks: llama.cpp's `tensor_type_fallback`.
  package func holding(rowsOf count: Int) -> GGMLType? {
    if count % blockElements == 0 { return self }
    let narrower = ["Q4_K": "Q5_0", "Q6_K": "Q8_0"][name].flatMap(Self.named)
    return narrower.map { count % $0.blockElements == 0 } == true ? narrower : Self.named("F16")
  }

  /// The types that numbers can be stored in, the widest first.
  package static let written = all.filter {
    $0.format?.canEncode == true && $0.format?.dtype.isFloatingPoint == true
  }.sorted { $0.blockBytes * $1.blockElements > $1.blockBytes * $0.blockElements }

  /// Names of the types that Lantern computes with, in a line.
  static let supported = all.filter { $0.format != nil }.map(\.name).joined(separator: ", ")
}
