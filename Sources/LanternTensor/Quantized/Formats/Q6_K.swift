internal import CLanternKernels

extension BlockFormat {
  /// Integers of 6 bits; a scale of 8 bits for 16.
  package static let q6_K = BlockFormat(
    "q6_K", LK_Q6_K, blockElements: 256, blockBytes: 210, exactAs: .float32)
}
