internal import CLanternKernels

extension BlockFormat {
  /// Floats of 4 bits (E2M1); a power of two for 32 (OCP Microscaling Formats).
  package static let mxfp4 = BlockFormat(
    "mxfp4", LK_MXFP4, blockElements: 32, blockBytes: 17, exactAs: .bfloat16)
}
