extension BlockFormat {
  /// IEEE 754's binary16.
  package static let f16 = BlockFormat(elements: .float16)
}
