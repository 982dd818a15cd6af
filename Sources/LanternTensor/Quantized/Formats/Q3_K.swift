internal import CLanternKernels

extension BlockFormat {
  /// Integers of 3 bits; a scale of 6 bits for 16.
  package static let q3_K = BlockFormat(
    "q3_K", LK_Q3_K, blockElements: 256, blockBytes: 110, exactAs: .float32)
}
