internal import CLanternKernels

extension BlockFormat {
  /// Integers of 2 bits; a scale and minimum of 4 bits for 16.
  package static let q2_K = BlockFormat(
    "q2_K", LK_Q2_K, blockElements: 256, blockBytes: 84, exactAs: .float32)
}
