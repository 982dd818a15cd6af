internal import CLanternKernels

extension BlockFormat {
  /// Integers of 5 bits; a scale and minimum of 6 bits for 32.
  package static let q5_K = BlockFormat(
    "q5_K", LK_Q5_K, blockElements: 256, blockBytes: 176, exactAs: .float32)
}
