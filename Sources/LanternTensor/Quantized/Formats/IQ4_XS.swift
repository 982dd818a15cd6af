internal import CLanternKernels

extension BlockFormat {
  /// Indices of 4 bits into a table; a scale of 6 bits for 32.
  package static let iq4_xs = BlockFormat(
    "iq4_xs", LK_IQ4_XS, blockElements: 256, blockBytes: 136, exactAs: .float32)
}
