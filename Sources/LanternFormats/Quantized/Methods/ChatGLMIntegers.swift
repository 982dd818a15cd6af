import LanternTensor

/// The integers of 4 or 8 bits that ChatGLM's own code stores (chatglm2-6b-int4): signed, with an f16 scale for each
/// row; of two in a byte the first has the higher bits.
struct ChatGLMIntegers: QuantizationMethod {
  /// The setting of `config.json` that says how many bits there are.
  static let setting = "quantization_bit"
  static let names = [setting]
  static let marks = ["weight_scale"]
  static let parts = ["weight", "weight_scale"]

  private let bits: Int

  init(_ config: Config) throws(FormatError) {
    bits = try config.integer("bits")
    guard bits == 4 || bits == 8 else {
      throw .unsupportedSetting(key: Self.setting, value: "\(bits)", file: config.file)
    }
  }

  func matrix(_ layer: QuantizedLayer) throws(FormatError) -> QuantizedMatrix {
    let (outputs, bytes) = try layer.matrix("weight", ["I8"])
    try layer.check("weight_scale", ["F16", "BF16", "F32"], [outputs])
    let inputs = bits == 4 ? 2 * bytes : bytes
    let isNarrow = bits == 4
    return GroupedIntegers(
      outputs: outputs, inputs: inputs, groups: 1, groupSize: inputs,
      range: isNarrow ? -8...7 : -128...127, hasHalfScales: try layer.isHalf("weight_scale"),
      scales: { () throws(FormatError) in try layer.floats("weight_scale") },
      zeros: { [0] },
      integers: { () throws(FormatError) in
        let stored = try layer.tensor("weight")
        guard isNarrow else { return stored.signedRows(inputs) }
        return { rows, integers in
          let source = stored.bytes.assumingMemoryBound(to: Int8.self) + rows.lowerBound * bytes
          for index in 0..<rows.count * bytes {
            integers[2 * index] = Int16(source[index] >> 4)
            integers[2 * index + 1] = Int16((source[index] << 4) >> 4)
          }
          withExtendedLifetime(stored) {}
        }
      }
    ).matrix()
  }
}

extension Tensor {
  /// Rows of signed bytes.
  func signedRows(_ columns: Int) -> GroupedIntegers.Rows {
    { rows, integers in
      let source = bytes.assumingMemoryBound(to: Int8.self) + rows.lowerBound * columns
      for index in 0..<rows.count * columns { integers[index] = Int16(source[index]) }
      withExtendedLifetime(self) {}
    }
  }
}
