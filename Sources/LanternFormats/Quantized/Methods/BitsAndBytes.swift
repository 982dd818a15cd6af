import LanternTensor

/// bitsandbytes' matrices: of 4 bits, each an index into a table of 16 numbers, with the largest magnitude of each block
/// of elements (NF4 and FP4; Dettmers et al. 2023, arXiv:2305.14314), which may be quantized themselves; or of 8 bits
/// with the largest of each row (LLM.int8(); Dettmers et al. 2022, arXiv:2208.07339).
struct BitsAndBytes: QuantizationMethod {
  static let names = ["bitsandbytes"]
  static let marks = ["nf4", "fp4"].map { "weight.quant_state.bitsandbytes__\($0)" } + ["SCB"]
  static let parts =
    marks + [
      "weight", "weight_format", "weight.absmax", "weight.quant_map", "weight.nested_absmax",
      "weight.nested_quant_map",
    ]

  init(_ config: Config) throws(FormatError) {
    // What computes, and in what it is stored, show in the tensors.
    try config.finish(ignoring: [
      "bnb_4bit_compute_dtype", "bnb_4bit_quant_storage", "bnb_4bit_quant_type",
      "bnb_4bit_use_double_quant", "llm_int8_enable_fp32_cpu_offload", "llm_int8_has_fp16_weight",
      "llm_int8_skip_modules", "llm_int8_threshold", "load_in_4bit", "load_in_8bit", "quant_method",
      "quantization_status",
    ])
  }

  func matrix(_ layer: QuantizedLayer) throws(FormatError) -> QuantizedMatrix {
    for state in Self.marks.dropLast() where layer.has(state) {
      return try BitsAndBytesBlocks(layer, state: state).matrix()
    }
    let (outputs, inputs) = try layer.matrix("weight", ["I8"])
    try layer.check("SCB", ["F32"], [outputs])
    if layer.has("weight_format") {
      let format = try layer.tensor("weight_format")
      // Orders of columns that older graphics processors wanted.
      guard format.elementCount == 1, format.bytes.load(as: UInt8.self) == 0 else {
        throw layer.malformed("weight_format", "says that rows are not one behind the other")
      }
      withExtendedLifetime(format) {}
    }
    return QuantizedMatrix([outputs, inputs], as: .float32) { () throws(FormatError) in
      let (stored, largest) = (try layer.tensor("weight"), try layer.floats("SCB"))
      let draft = try QuantizedMatrix.draft([outputs, inputs], .float32)
      let source = stored.bytes.assumingMemoryBound(to: Int8.self)
      for row in 0..<outputs {
        for index in row * inputs..<(row + 1) * inputs {
          draft.floats[index] = Float(source[index]) * largest[row] * Self.step
        }
      }
      withExtendedLifetime(stored) {}
      return draft.tensor()
    }
  }

  /// 1/127 as bitsandbytes has it.
  private static let step: Float = 7.874015718698502e-3
}

/// A matrix of 4 bits, in blocks of elements.
private struct BitsAndBytesBlocks {
  private let layer: QuantizedLayer
  private let shape: [Int]
  private let count: Int
  private let blockSize: Int
  private let dtype: DType
  /// Of magnitudes that are quantized themselves.
  private let nested: (blockSize: Int, offset: Float)?

  private static let types: [String: DType] = [
    "float16": .float16, "bfloat16": .bfloat16, "float32": .float32,
  ]

  init(_ layer: QuantizedLayer, state: String) throws(FormatError) {
    self.layer = layer
    try layer.check(state, ["U8"])
    let text = try layer.tensor(state)
    let bytes = UnsafeRawBufferPointer(start: text.bytes, count: text.elementCount)
    let file = "\(layer.archive.file(of: layer.name(state))) (\(layer.name(state)))"
    let value = try JSON.parse(bytes, file: file)
    withExtendedLifetime(text) {}
    let settings = Config(value.object ?? [:], file: file)
    shape = try settings.integers("shape")
    blockSize = try settings.integer("blocksize")
    let name = try settings.string("dtype")
    guard let dtype = Self.types[name] else {
      throw .unsupportedSetting(key: "dtype", value: JSON.quoted(name), file: file)
    }
    self.dtype = dtype
    nested =
      try settings.has("nested_blocksize")
      ? (settings.integer("nested_blocksize"), settings.float("nested_offset")) : nil
    let limit = 1 << 30
    guard shape.count == 2, shape.allSatisfy({ (1...limit).contains($0) }),
      (1...limit).contains(blockSize), nested.map({ (1...limit).contains($0.blockSize) }) ?? true
    else { throw layer.malformed(state, "has sizes that make no matrix") }
    count = shape[0] * shape[1]
    try check()
  }

  private func check() throws(FormatError) {
    // Bytes may be stored as the elements of any type.
    try layer.check("weight", ["U8", "F16", "BF16", "F32"])
    let stored = try layer.tensor("weight")
    guard stored.elementCount * stored.dtype.byteSize == (count + 1) / 2 else {
      throw layer.malformed(
        "weight", "has shape \(stored.shape), and its state says that it is of \(shape)")
    }
    let blocks = (count + blockSize - 1) / blockSize
    try layer.check("weight.quant_map", ["F32"], [16])
    try layer.check("weight.absmax", nested == nil ? ["F32"] : ["U8"], [blocks])
    guard let nested else { return }
    try layer.check("weight.nested_quant_map", ["F32"], [256])
    try layer.check(
      "weight.nested_absmax", ["F32"], [(blocks + nested.blockSize - 1) / nested.blockSize])
  }

  func matrix() -> QuantizedMatrix {
    QuantizedMatrix(shape, as: dtype) { () throws(FormatError) in
      let (stored, table) = (try layer.tensor("weight"), try layer.floats("weight.quant_map"))
      let largest = try largest()
      let draft = try QuantizedMatrix.draft(shape, .float32)
      let source = stored.bytes.assumingMemoryBound(to: UInt8.self)
      for index in 0..<count {
        // The first of two has the higher bits.
        let byte = source[index / 2]
        draft.floats[index] =
          table[Int(index & 1 == 0 ? byte >> 4 : byte & 15)] * largest[index / blockSize]
      }
      withExtendedLifetime(stored) {}
      let numbers = draft.tensor()
      do throws(TensorError) {
        return try numbers.converted(to: dtype)
      } catch {
        throw .tensor(error)
      }
    }
  }

  /// The largest magnitude of each block.
  private func largest() throws(FormatError) -> [Float] {
    guard let nested else { return try layer.floats("weight.absmax") }
    let table = try layer.floats("weight.nested_quant_map")
    let scales = try layer.floats("weight.nested_absmax")
    return try layer.floats("weight.absmax").enumerated().map { index, code in
      table[Int(code)] * scales[index / nested.blockSize] + nested.offset
    }
  }
}
