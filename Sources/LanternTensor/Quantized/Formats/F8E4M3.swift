extension BlockFormat {
  /// 8-bit floats of 4 bits of exponent and 3 of mantissa, up to 448, without infinities (Micikevicius et
  /// al. 2022, arXiv:2209.05433); PyTorch's `float8_e4m3fn`.
  package static let f8E4M3 = BlockFormat(
    "f8_e4m3", blockElements: 1, blockBytes: 1, exactAs: .float16,
    decode: Float8.decoder { bits in
      bits & 0x7F == 0x7F ? .nan : Float8.value(bits, mantissaBits: 3, bias: 7)
    })
}
