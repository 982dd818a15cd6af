internal import CLanternKernels

extension BlockFormat {
  /// Indices of 4 bits into a table; an f16 scale for 32.
  package static let iq4_nl = BlockFormat(
    "iq4_nl", LK_IQ4_NL, blockElements: 32, blockBytes: 18, exactAs: .float32)
}
