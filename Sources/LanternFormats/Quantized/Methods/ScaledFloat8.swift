import LanternTensor

/// 8-bit floats with a scale for the whole matrix, for each row, or for each block of rows and columns, as DeepSeek's
/// and Qwen's files (`fp8`) and FBGEMM's (`fbgemm_fp8`) have them.
struct ScaledFloat8: QuantizationMethod {
  static let names = ["fbgemm_fp8", "fp8"]
  static let mark = "weight_scale"
  static let marks = ["weight_scale_inv", mark]
  static let parts = marks + ["weight", "input_scale", "activation_scale", "input_scale_ub"]

  private let block: [Int]?

  init(_ config: Config) throws(FormatError) {
    let block = try config.integers("weight_block_size", default: [])
    guard block.isEmpty || (block.count == 2 && block.allSatisfy { (1...1 << 20).contains($0) })
    else {
      throw .unsupportedSetting(key: "weight_block_size", value: "\(block)", file: config.file)
    }
    self.block = block.isEmpty ? nil : block
    try config.expect("fmt", ["e4m3", "e5m2"])
    try config.finish(ignoring: [
      "activation_scale_ub", "activation_scheme", "dequantize", "modules_to_not_convert",
      "quant_method",
      "scale_fmt",
    ])
  }

  func matrix(_ layer: QuantizedLayer) throws(FormatError) -> QuantizedMatrix {
    let (outputs, inputs) = try layer.matrix("weight", Self.types)
    let part = layer.has(Self.mark) ? Self.mark : Self.marks[0]
    try layer.check(part, ["F32", "F16", "BF16"])
    return try Self.matrix(layer, scale: part, [outputs, inputs], block: block)
  }

  static let types = ["F8_E4M3", "F8_E5M2"]

  /// A layer's `weight` times its scales.
  ///
  /// - Throws: ``FormatError`` where scales are not as many as rows or blocks.
  static func matrix(
    _ layer: QuantizedLayer, scale part: String, _ shape: [Int], block: [Int]?
  ) throws(FormatError) -> QuantizedMatrix {
    let scales = layer.shape(part) ?? []
    guard let step = step(of: shape, scales, block: block) else {
      throw layer.malformed(part, "has shape \(scales), and its weight has \(shape)")
    }
    return QuantizedMatrix(shape, as: .float32) { () throws(FormatError) in
      let (weight, scales) = (try layer.tensor("weight"), try layer.tensor(part))
      defer { weight.releasePages() }
      do throws(TensorError) {
        return try weight.scaled(by: scales, each: step)
      } catch {
        throw .tensor(error)
      }
    }
  }

  /// Rows and columns that one scale is for; nil where scales are not so many.
  static func step(of shape: [Int], _ scales: [Int], block: [Int]? = nil) -> [Int]? {
    let count = scales.reduce(1, *)
    if count == 1 { return shape }
    if let block {
      let wanted = zip(shape, block).map { ($0 + $1 - 1) / $1 }
      return scales == wanted ? block : nil
    }
    if scales.first == shape.first, count == shape.first { return [1] + shape.dropFirst() }
    guard scales.count == 2, scales[0] == shape[0], shape[1] % scales[1] == 0 else { return nil }
    return [1, shape[1] / scales[1]]
  }
}

extension Tensor {
  /// A matrix, f32, whose blocks are each multiplied by one number.
  ///
  /// - Parameters:
  ///   - scales: of the blocks, in their order.
  ///   - step: rows and columns of a block, both at least 1; those at the ends may be smaller.
  /// - Returns: the matrix.
  /// - Throws: ``TensorError``.
  func scaled(by scales: Tensor, each step: [Int]) throws(TensorError) -> Tensor {
    let (source, scales) = (try converted(to: .float32), try scales.floats())
    if scales.count == 1 { return try source.scaled(by: scales[0]) }
    let columns = elementCount / Swift.max(1, shape.first ?? 1)
    let (rowStep, columnStep) = (step[0], step.dropFirst().reduce(1, *))
    let blocks = (columns + columnStep - 1) / columnStep
    let draft = try Draft(shape)
    for row in 0..<(shape.first ?? 0) {
      let first = row / rowStep * blocks
      for column in 0..<columns {
        let index = row * columns + column
        draft.floats[index] = source.floatPointer[index] * scales[first + column / columnStep]
      }
    }
    withExtendedLifetime(source) {}
    return draft.tensor()
  }
}
