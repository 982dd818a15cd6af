/// What the 8-bit floating-point formats share.
enum Float8 {
  /// Decodes by a table of all 256 numbers.
  static func decoder(_ value: (UInt8) -> Float) -> BlockFormat.Decoder {
    let table = (UInt8.min...UInt8.max).map(value)
    return { blocks, count, floats in
      let bytes = UnsafeRawBufferPointer(start: blocks, count: count)
      table.withUnsafeBufferPointer { table in
        for index in 0..<count { floats[index] = table[Int(bytes[index])] }
      }
    }
  }

  /// The number that a sign, an exponent and a mantissa make; subnormal where the exponent is 0.
  static func value(_ bits: UInt8, mantissaBits: Int, bias: Int) -> Float {
    let one = UInt8(1) << mantissaBits
    let (exponent, mantissa) = (Int(bits & 0x7F) >> mantissaBits, bits & (one - 1))
    return Float(
      sign: bits & 0x80 == 0 ? .plus : .minus, exponent: max(exponent, 1) - bias - mantissaBits,
      significand: Float(exponent == 0 ? mantissa : mantissa + one))
  }
}
