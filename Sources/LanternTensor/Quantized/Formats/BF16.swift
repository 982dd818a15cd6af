extension BlockFormat {
  /// The upper half of an f32 (brain floating point).
  package static let bf16 = BlockFormat(elements: .bfloat16)
}
