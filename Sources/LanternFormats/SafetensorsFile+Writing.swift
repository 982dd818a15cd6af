package import LanternTensor

extension SafetensorsFile {
  /// Writes tensors and metadata as one file.
  ///
  /// Wider types come first, so that all lie at multiples of their size; otherwise the order is kept.
  ///
  /// - Parameters:
  ///   - tensors: each under a name of its own.
  ///   - metadata: strings of the header.
  ///   - path: where to; whole or not at all.
  ///   - mode: what becomes of a file that is there already.
  /// - Throws: ``FormatError/duplicateTensor(name:file:)``,
  ///   ``FormatError/cannotWrite(path:code:)``, or ``FormatError/tensor(_:)``.
  package static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], to path: String,
    _ mode: AtomicFile.Mode = .replace
  ) throws(FormatError) {
    let planned = try tensors.map { name, tensor throws(FormatError) in
      try PlannedTensor(name) { () throws(FormatError) in tensor }
    }
    try write(planned, metadata: metadata, to: path, mode)
  }

  /// As ``write(_:metadata:to:_:)``, of tensors that are made one after the other.
  ///
  /// - Parameters:
  ///   - tensors: each under a name of its own.
  ///   - metadata: strings of the header.
  ///   - path: where to; whole or not at all.
  ///   - mode: what becomes of a file that is there already.
  /// - Throws: as there, and what making a tensor throws.
  package static func write(
    _ tensors: [PlannedTensor], metadata: [String: String] = [:], to path: String,
    _ mode: AtomicFile.Mode = .replace
  ) throws(FormatError) {
    let ordered = tensors.enumerated().sorted { one, other in
      (-one.element.elementSize, one.offset) < (-other.element.elementSize, other.offset)
    }.map(\.element)
    let header = try header(of: ordered, metadata, path)
    try AtomicFile.write(to: path, mode) { writer throws(FormatError) in
      try header.withBytes { buffer throws(FormatError) in try writer.write(buffer) }
      for tensor in ordered {
        let source = try tensor.make()
        try writer.write(UnsafeRawBufferPointer(start: source.bytes, count: tensor.byteCount))
        withExtendedLifetime(source) {}
      }
    }
  }

  private static func header(
    of tensors: [PlannedTensor], _ metadata: [String: String], _ path: String
  ) throws(FormatError) -> [UInt8] {
    var members: [String: JSONValue] = [:]
    if !metadata.isEmpty { members["__metadata__"] = .object(metadata.mapValues(JSONValue.string)) }
    var offset = 0
    for tensor in tensors {
      let name = tensor.name
      guard members[name] == nil, name != "__metadata__" else {
        throw .duplicateTensor(name: name, file: path)
      }
      guard tensor.shape.count <= rankLimit else {
        throw .badShape(name: name, shape: tensor.shape, file: path)
      }
      guard let type = tensor.element else {
        throw .unknownElementType(name: name, type: "that safetensors lacks", file: path)
      }
      let end = offset + tensor.byteCount
      members[name] = .object([
        "dtype": .string(type.name),
        "shape": .array(tensor.shape.map(JSONValue.integer)),
        "data_offsets": .array([.integer(offset), .integer(end)]),
      ])
      offset = end
    }
    var text = Array(JSON.write(.object(members)).utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    guard text.count <= headerLimit else {
      throw .headerTooLarge(file: path, byteCount: UInt64(text.count), limit: headerLimit)
    }
    let length = UInt64(text.count).littleEndian
    return withUnsafeBytes(of: length) { Array($0) } + text
  }
}
