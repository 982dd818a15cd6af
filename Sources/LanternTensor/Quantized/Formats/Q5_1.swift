internal import CLanternKernels

extension BlockFormat {
  /// Integers of 5 bits; an f16 scale and minimum for 32.
  package static let q5_1 = BlockFormat(
    "q5_1", LK_Q5_1, blockElements: 32, blockBytes: 24, exactAs: .float32)
}
