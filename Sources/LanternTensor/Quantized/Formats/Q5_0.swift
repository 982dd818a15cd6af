internal import CLanternKernels

extension BlockFormat {
  /// Integers of 5 bits; an f16 scale for 32.
  package static let q5_0 = BlockFormat(
    "q5_0", LK_Q5_0, blockElements: 32, blockBytes: 22, exactAs: .float32)
}
