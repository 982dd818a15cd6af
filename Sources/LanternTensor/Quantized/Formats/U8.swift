extension BlockFormat {
  /// Bytes.
  package static let u8 = BlockFormat(elements: .uint8)
}
