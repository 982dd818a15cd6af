extension BlockFormat {
  /// 8-bit floats of 5 bits of exponent and 2 of mantissa (Micikevicius et al. 2022, arXiv:2209.05433), the
  /// upper half of an f16; PyTorch's `float8_e5m2`.
  package static let f8E5M2 = BlockFormat(
    "f8_e5m2", blockElements: 1, blockBytes: 1, exactAs: .float16,
    decode: Float8.decoder { bits in
      switch bits & 0x7F {
      case 0x7C: bits & 0x80 == 0 ? .infinity : -.infinity
      case 0x7D...: .nan
      default: Float8.value(bits, mantissaBits: 2, bias: 15)
      }
    })
}
