import LanternTensor

/// GPTQ (Frantar et al. 2022, arXiv:2210.17323) as AutoGPTQ and GPTQModel store it: columns of `[input, output]` in
/// 32-bit words along the inputs, with a scale and a zero point for each group of inputs; the first version of the
/// format holds zero points less 1. `g_idx` says the group of each input where they were quantized in another order.
struct GPTQ: QuantizationMethod {
  static let names = ["gptq"]
  static let marks = ["qweight"]
  static let parts = ["qweight", "qzeros", "scales", "g_idx"]

  private let bits: Int
  private let groupSize: Int?
  /// What is added to stored zero points.
  private let zeroOffset: Int16

  init(_ config: Config) throws(FormatError) {
    bits = try config.integer("bits", default: 4)
    try config.expect("bits", [2, 3, 4, 8])
    groupSize = try config.groupSize("group_size")
    try config.expect("checkpoint_format", ["gptq", "gptq_v2"])
    try config.expect("is_marlin_format", [false])
    try config.expect("pack_dtype", ["int32"])
    // Layers with settings of their own.
    try config.expect("dynamic", [.object([:])])
    let isSecond = try config.string("checkpoint_format", default: "gptq") == "gptq_v2"
    zeroOffset = isSecond ? 0 : 1
    try config.finish(ignoring: [
      "backend", "batch_size", "block_name_to_quantize", "cache_block_outputs", "damp_percent",
      "dataset",
      "desc_act", "disable_exllama", "exllama_config", "lm_head", "max_input_length", "meta",
      "model_file_base_name", "model_name_or_path", "model_seqlen",
      "module_name_preceding_first_block", "modules_in_block_to_quantize", "pad_token_id",
      "quant_method", "static_groups", "sym", "tokenizer", "true_sequential",
      "use_cuda_fp16", "use_exllama",
    ])
  }

  func matrix(_ layer: QuantizedLayer) throws(FormatError) -> QuantizedMatrix {
    let (words, outputs) = try layer.matrix("qweight", ["I32"])
    guard words * 32 % bits == 0, outputs * bits % 32 == 0 else {
      throw layer.malformed(
        "qweight", "has shape [\(words), \(outputs)], which \(bits) bits do not fill")
    }
    let inputs = words * 32 / bits
    let size = min(groupSize ?? inputs, inputs)
    let groups = (inputs + size - 1) / size
    try layer.check("scales", ["F16", "BF16", "F32"], [groups, outputs])
    try layer.check("qzeros", ["I32"], [groups, outputs * bits / 32])
    let order = try layer.groups("g_idx", inputs, size, groups)
    let (bits, offset) = (bits, zeroOffset)
    let middle = 1 << (bits - 1)
    let zeroWord = PackedWords.filled(middle - Int(offset), bits: bits)
    let areEqual = try PackedWords(layer.tensor("qzeros"), bits: bits).areAll(zeroWord)
    let isSymmetric = bits != 3 && areEqual
    return GroupedIntegers(
      outputs: outputs, inputs: inputs, groups: groups, groupSize: size, groupOfColumn: order,
      range: isSymmetric ? -middle...middle - 1 : -(2 * middle - 1 + Int(offset))...2 * middle - 1,
      hasHalfScales: try layer.isHalf("scales"),
      scales: { () throws(FormatError) in try layer.transposedFloats("scales") },
      zeros: { () throws(FormatError) in
        let packed = PackedWords(try layer.tensor("qzeros"), bits: bits)
        var zeros = [Int16](repeating: 0, count: groups * outputs)
        for group in 0..<groups {
          packed.forEach(from: group * outputs * bits / 32, count: outputs) { output, zero in
            zeros[output * groups + group] = zero + offset
          }
        }
        return zeros
      },
      integers: { () throws(FormatError) in
        let packed = PackedWords(try layer.tensor("qweight"), bits: bits, stride: outputs)
        return { rows, integers in
          for row in rows {
            let target = integers + (row - rows.lowerBound) * inputs
            packed.forEach(from: row, count: inputs) { target[$0] = $1 }
          }
        }
      }
    ).matrix()
  }
}
