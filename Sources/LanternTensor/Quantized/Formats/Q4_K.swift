internal import CLanternKernels

extension BlockFormat {
  /// Integers of 4 bits; a scale and minimum of 6 bits for 32.
  package static let q4_K = BlockFormat(
    "q4_K", LK_Q4_K, blockElements: 256, blockBytes: 144, exactAs: .float32)
}
