/// How a library stores quantized matrices: each in several tensors, under names of its own.
///
/// A method is a file in `Methods` and a row of ``Quantization``.
protocol QuantizationMethod: Sendable {
  /// The values of `quant_method` that stand for it.
  static var names: [String] { get }
  /// Endings of names by which a quantized layer is recognised, behind its module's path.
  static var marks: [String] { get }
  /// Endings of the names of all tensors that a quantized layer's matrix is made of, behind its module's path.
  static var parts: [String] { get }

  /// Reads the settings of `quantization_config`.
  ///
  /// - Throws: ``FormatError`` for one that changes numbers in a way that is not here.
  init(_ config: Config) throws(FormatError)

  /// A layer's matrix.
  ///
  /// - Throws: ``FormatError`` where tensors are missing, or do not go together.
  func matrix(_ layer: QuantizedLayer) throws(FormatError) -> QuantizedMatrix
}

/// The quantized matrices of a checkpoint, as `quantization_config` of its `config.json` describes them.
package enum Quantization {
  /// A row for each file of `Methods`.
  private static let methods = [
    Row(AWQ.self), Row(BitsAndBytes.self), Row(ChatGLMIntegers.self), Row(CompressedTensors.self),
    Row(GPTQ.self), Row(ScaledFloat8.self),
  ]

  private struct Row: Sendable {
    let names: [String]
    let marks: [String]
    let decoded: @Sendable (TensorArchive, _ settings: Config) throws(FormatError) -> TensorArchive

    init<Method: QuantizationMethod>(_ method: Method.Type) {
      (names, marks) = (method.names, method.marks)
      decoded = { archive, settings throws(FormatError) in
        try Method(settings).decoded(archive, settings.file)
      }
    }
  }

  /// What a scale of 8-bit floats is called, behind its module's path, in checkpoints of one file.
  package static let scaleNames = ["scale_weight", ScaledFloat8.mark]

  /// A checkpoint with its quantized matrices under the names of plain ones.
  ///
  /// - Parameters:
  ///   - archive: the checkpoint.
  ///   - config: the model's settings.
  /// - Returns: the same, where nothing is quantized.
  /// - Throws: ``FormatError`` for another method, settings that are not here, and tensors that do not go together.
  package static func decoded(_ archive: TensorArchive, _ config: Config) throws(FormatError)
    -> TensorArchive
  {
    guard let settings = try settings(config) else {
      let marks = methods.flatMap(\.marks).filter { $0 != ScaledFloat8.mark }
      if let name = archive.names.first(where: { name in
        marks.contains { name.hasSuffix(".\($0)") }
      }) {
        throw .malformedQuantization(
          name: name, reason: "is of quantized weights, and config.json has no quantization_config",
          file: archive.file(of: name))
      }
      return archive
    }
    let name = try settings.string("quant_method")
    guard let row = methods.first(where: { $0.names.contains(name) }) else {
      throw .unsupportedQuantization(
        method: name, supported: methods.flatMap(\.names).sorted().joined(separator: ", "),
        file: config.file)
    }
    return try row.decoded(archive, settings)
  }

  /// What a model's settings say of quantization; nil where they say nothing.
  private static func settings(_ config: Config) throws(FormatError) -> Config? {
    if let settings = try config.section("quantization_config") { return settings }
    // ChatGLM's own code has a setting for it.
    guard let bits = try config.optionalInteger(ChatGLMIntegers.setting), bits != 0 else {
      return nil
    }
    return Config(
      ["quant_method": .string(ChatGLMIntegers.setting), "bits": .integer(bits)],
      file: config.file)
  }
}

extension QuantizationMethod {
  /// Endings of names of scales for keys and values, which are kept in other types here.
  private static var cacheScales: [String] { [".k_scale", ".v_scale", ".q_scale"] }

  fileprivate func decoded(_ archive: TensorArchive, _ file: String) throws(FormatError)
    -> TensorArchive
  {
    var matrices: [String: QuantizedMatrix] = [:]
    var parts: Set<String> = []
    var idle: Set<String> = []
    for name in archive.names {
      guard let mark = Self.marks.first(where: { name.hasSuffix(".\($0)") }) else { continue }
      let layer = QuantizedLayer(archive: archive, path: String(name.dropLast(mark.count + 1)))
      guard matrices[layer.name("weight")] == nil else { continue }
      matrices[layer.name("weight")] = try matrix(layer)
      parts.formUnion(Self.parts.map(layer.name))
      // Libraries give each layer a bias, be the model's class one without.
      if layer.shape("bias")?.count == 1, try layer.floats("bias").allSatisfy({ $0 == 0 }) {
        idle.insert(layer.name("bias"))
      }
    }
    idle.formUnion(
      archive.names.filter { name in Self.cacheScales.contains(where: name.hasSuffix) })
    guard !matrices.isEmpty else {
      throw .malformedQuantization(
        name: "quantization_config",
        reason: "is of \(Self.names[0]), and no tensor's name ends with "
          + Self.marks.map { ".\($0)" }.joined(separator: " or "), file: file)
    }
    return archive.replacing(QuantizedFile(archive, matrices, of: parts), idle: idle)
  }
}
