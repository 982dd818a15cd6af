internal import CLanternKernels

extension BlockFormat {
  /// Integers of 4 bits; an f16 scale for 32.
  package static let q4_0 = BlockFormat(
    "q4_0", LK_Q4_0, blockElements: 32, blockBytes: 18, exactAs: .float32)
}
