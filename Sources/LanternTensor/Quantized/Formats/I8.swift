extension BlockFormat {
  /// Signed bytes, which tensors have as bytes.
  package static let i8 = BlockFormat(elements: .uint8, named: "i8")
}
