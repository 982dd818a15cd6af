internal import CLanternKernels

extension BlockFormat {
  /// Integers of 8 bits; an f16 scale for 32.
  package static let q8_0 = BlockFormat(
    "q8_0", LK_Q8_0, blockElements: 32, blockBytes: 34, exactAs: .float32)
}
