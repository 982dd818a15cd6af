extension BlockFormat {
  /// IEEE 754's binary32.
  package static let f32 = BlockFormat(elements: .float32)
}
