import LanternTensor

/// compressed-tensors, as LLM Compressor writes them: integers packed into 32-bit words (`pack-quantized`), signed bytes
/// (`int-quantized`), or 8-bit floats (`float-quantized`), with scales for the matrix, its rows, or groups or blocks of
/// their columns.
struct CompressedTensors: QuantizationMethod {
  static let names = ["compressed-tensors"]
  static let marks = ["weight_packed", "weight_scale"]
  static let parts =
    marks + [
      "weight", "weight_shape", "weight_zero_point", "weight_g_idx", "input_scale",
      "input_zero_point",
      "output_scale", "output_zero_point",
    ]

  private static let formats: [JSONValue] = [
    "dense", "float-quantized", "int-quantized", "naive-quantized", "pack-quantized",
  ]

  /// Of integers.
  private let bits: Int
  /// Rows and columns of a block.
  private let block: [Int]?

  init(_ config: Config) throws(FormatError) {
    let formats = Self.formats + ["mixed-precision"]
    try config.expect("format", formats)
    try config.expect("transform_config", [.object([:])])
    if let sparsity = try config.section("sparsity_config") {
      try sparsity.expect("format", ["dense"])
      try sparsity.finish(ignoring: ["ignore", "registry_requires_subclass", "targets"])
    }
    var bits: Set<Int> = []
    var blocks: Set<[Int]> = []
    let groups = try config.section("config_groups")
    for name in groups?.keys ?? [] {
      guard let group = try groups?.section(name) else { continue }
      try group.expect("format", Self.formats)
      guard let weights = try group.section("weights") else { continue }
      let number = try weights.integer("num_bits", default: 8)
      let isInteger = try weights.string("type", default: "int") == "int"
      guard isInteger ? (1...8).contains(number) : number == 8 else {
        throw .unsupportedSetting(key: "num_bits", value: "\(number)", file: config.file)
      }
      if isInteger { bits.insert(number) }
      let block = try weights.integers("block_structure", default: [])
      if !block.isEmpty { blocks.insert(block) }
    }
    // Which layers a group is for is said by regular expressions and classes of PyTorch's.
    guard bits.count <= 1, blocks.count <= 1,
      blocks.allSatisfy({ $0.count == 2 && $0.allSatisfy { (1...1 << 20).contains($0) } })
    else {
      throw .unsupportedSetting(
        key: "config_groups", value: "several that differ", file: config.file)
    }
    (self.bits, block) = (bits.first ?? 8, blocks.first)
    try config.finish(ignoring: [
      "global_compression_ratio", "ignore", "kv_cache_scheme", "quant_method",
      "quantization_status", "version",
    ])
  }

  func matrix(_ layer: QuantizedLayer) throws(FormatError) -> QuantizedMatrix {
    try layer.check("weight_scale", ["F32", "F16", "BF16"])
    guard !layer.has("weight_packed") else { return try packed(layer) }
    let (outputs, inputs) = try layer.matrix("weight", ["I8"] + ScaledFloat8.types)
    guard layer.archive.info(layer.name("weight"))?.dtype == "I8" else {
      return try ScaledFloat8.matrix(
        layer, scale: "weight_scale", [outputs, inputs], block: block)
    }
    let groups = try groups(layer, outputs, inputs)
    if layer.has("weight_zero_point") {
      let zeros = try layer.check("weight_zero_point", ["I8"])
      let scales = layer.shape("weight_scale") ?? []
      guard zeros.reduce(1, *) == scales.reduce(1, *) else {
        throw layer.malformed("weight_zero_point", "has shape \(zeros), and scales have \(scales)")
      }
    }
    return try integers(
      layer, outputs, inputs, groups,
      zeros: { () throws(FormatError) in
        guard layer.has("weight_zero_point") else { return [0] }
        let stored = try layer.tensor("weight_zero_point")
        let bytes = stored.bytes.assumingMemoryBound(to: Int8.self)
        defer { withExtendedLifetime(stored) {} }
        let zeros = UnsafeBufferPointer(start: bytes, count: stored.elementCount).map(Int16.init)
        return zeros.count == 1 ? Array(repeating: zeros[0], count: outputs * groups) : zeros
      },
      { () throws(FormatError) in try layer.tensor("weight").signedRows(inputs) })
  }

  /// Integers in words, all more by half of their range.
  private func packed(_ layer: QuantizedLayer) throws(FormatError) -> QuantizedMatrix {
    let (outputs, words) = try layer.matrix("weight_packed", ["I32"])
    guard words * 32 >= bits else { throw layer.malformed("weight_packed", "is too small") }
    let inputs = words * 32 / bits
    let groups = try groups(layer, outputs, inputs)
    let (bits, middle) = (bits, Int16(1) << (bits - 1))
    let zeroWords = (outputs * bits + 31) / 32
    if layer.has("weight_zero_point") {
      try layer.check("weight_zero_point", ["I32"], [zeroWords, groups])
    }
    return try integers(
      layer, outputs, inputs, groups,
      zeros: { () throws(FormatError) in
        guard layer.has("weight_zero_point") else { return [middle] }
        let packed = PackedWords(
          try layer.tensor("weight_zero_point"), bits: bits, stride: groups)
        var zeros = [Int16](repeating: 0, count: outputs * groups)
        for group in 0..<groups {
          packed.forEach(from: group, count: outputs) { zeros[$0 * groups + group] = $1 }
        }
        return zeros
      },
      { () throws(FormatError) in
        let packed = PackedWords(try layer.tensor("weight_packed"), bits: bits)
        return { rows, integers in
          for row in rows {
            let target = integers + (row - rows.lowerBound) * inputs
            packed.forEach(from: row * words, count: inputs) { target[$0] = $1 }
          }
        }
      })
  }

  /// Groups of a row, of which scales have as many.
  private func groups(_ layer: QuantizedLayer, _ outputs: Int, _ inputs: Int) throws(FormatError)
    -> Int
  {
    let shape = layer.shape("weight_scale") ?? []
    if shape.reduce(1, *) == 1 { return 1 }
    guard shape.count == 2 || shape.count == 1, shape[0] == outputs,
      inputs % (shape.count == 2 ? shape[1] : 1) == 0
    else {
      throw layer.malformed(
        "weight_scale", "has shape \(shape), and its weight has \([outputs, inputs])")
    }
    return shape.count == 2 ? shape[1] : 1
  }

  private func integers(
    _ layer: QuantizedLayer, _ outputs: Int, _ inputs: Int, _ groups: Int,
    zeros: @escaping @Sendable () throws(FormatError) -> [Int16],
    _ rows: @escaping @Sendable () throws(FormatError) -> GroupedIntegers.Rows
  ) throws(FormatError) -> QuantizedMatrix {
    let middle = 1 << (bits - 1)
    let isAffine = layer.has("weight_zero_point")
    return GroupedIntegers(
      outputs: outputs, inputs: inputs, groups: groups, groupSize: inputs / groups,
      groupOfColumn: try layer.groups("weight_g_idx", inputs, inputs / groups, groups),
      range: isAffine ? 1 - 2 * middle...2 * middle - 1 : -middle...middle - 1,
      hasHalfScales: try layer.isHalf("weight_scale"),
      scales: { () throws(FormatError) in
        let scales = try layer.floats("weight_scale")
        return scales.count == 1 ? Array(repeating: scales[0], count: outputs * groups) : scales
      },
      zeros: zeros, integers: rows
    ).matrix()
  }
}
