internal import CLanternKernels

extension BlockFormat {
  /// Numbers -1, 0 and 1 of 2 bits; an f16 scale for 256.
  package static let tq2_0 = BlockFormat(
    "tq2_0", LK_TQ2_0, blockElements: 256, blockBytes: 66, exactAs: .float16)
}
