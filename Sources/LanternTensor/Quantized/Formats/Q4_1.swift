internal import CLanternKernels

extension BlockFormat {
  /// Integers of 4 bits; an f16 scale and minimum for 32.
  package static let q4_1 = BlockFormat(
    "q4_1", LK_Q4_1, blockElements: 32, blockBytes: 20, exactAs: .float32)
}
