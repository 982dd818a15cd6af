internal import CLanternKernels

extension BlockFormat {
  /// Numbers -1, 0 and 1, five in a byte; an f16 scale for 256.
  package static let tq1_0 = BlockFormat(
    "tq1_0", LK_TQ1_0, blockElements: 256, blockBytes: 54, exactAs: .float16)
}
