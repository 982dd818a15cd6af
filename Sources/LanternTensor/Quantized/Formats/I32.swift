extension BlockFormat {
  /// 32-bit integers, two's complement.
  package static let i32 = BlockFormat(elements: .int32)
}
