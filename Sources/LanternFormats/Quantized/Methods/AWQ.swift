import LanternTensor

/// AWQ (Lin et al. 2023, arXiv:2306.00978) as AutoAWQ's GEMM kernels have it: `[input, output]` with eight outputs in a
/// 32-bit word, in an order of their own, and a scale and a zero point for each group of inputs.
struct AWQ: QuantizationMethod {
  static let names = ["awq"]
  static let marks = ["qweight"]
  static let parts = ["qweight", "qzeros", "scales"]

  private let groupSize: Int?
  /// Which of eight outputs a word's nibbles are, the lowest first.
  private static let order = [0, 2, 4, 6, 1, 3, 5, 7]

  init(_ config: Config) throws(FormatError) {
    try config.expect("bits", [4])
    try config.expect("w_bit", [4])
    try config.expect("version", ["gemm", "GEMM"])
    try config.expect("backend", ["autoawq"])
    try config.expect("zero_point", [true])
    groupSize = try config.groupSize(config.has("group_size") ? "group_size" : "q_group_size")
    try config.finish(ignoring: [
      "do_fuse", "exllama_config", "fuse_max_seq_len", "modules_to_fuse", "modules_to_not_convert",
      "quant_method",
    ])
  }

  func matrix(_ layer: QuantizedLayer) throws(FormatError) -> QuantizedMatrix {
    let (inputs, words) = try layer.matrix("qweight", ["I32"])
    let (outputs, size) = (8 * words, min(groupSize ?? inputs, inputs))
    guard inputs % size == 0 else {
      throw layer.malformed("qweight", "has \(inputs) inputs, no multiple of group_size, \(size)")
    }
    let groups = inputs / size
    try layer.check("qzeros", ["I32"], [groups, words])
    try layer.check("scales", ["F16", "BF16", "F32"], [groups, outputs])
    let middle = PackedWords.filled(8, bits: 4)
    let isSymmetric = try PackedWords(layer.tensor("qzeros"), bits: 4).areAll(middle)
    return GroupedIntegers(
      outputs: outputs, inputs: inputs, groups: groups, groupSize: size,
      range: isSymmetric ? -8...7 : -15...15, hasHalfScales: try layer.isHalf("scales"),
      scales: { () throws(FormatError) in try layer.transposedFloats("scales") },
      zeros: { () throws(FormatError) in
        let packed = PackedWords(try layer.tensor("qzeros"), bits: 4)
        var zeros = [Int16](repeating: 0, count: groups * outputs)
        for group in 0..<groups {
          packed.forEach(from: group * words, count: outputs) { index, zero in
            zeros[Self.output(index) * groups + group] = zero
          }
        }
        return zeros
      },
      integers: { () throws(FormatError) in
        let packed = PackedWords(try layer.tensor("qweight"), bits: 4)
        return { rows, integers in
          for input in 0..<inputs {
            packed.forEach(from: input * words + rows.lowerBound / 8, count: rows.count) {
              integers[Self.output($0) * inputs + input] = $1
            }
          }
        }
      }
    ).matrix()
  }

  /// The output that a nibble of a row of words is of.
  private static func output(_ index: Int) -> Int { index & ~7 + order[index & 7] }
}
