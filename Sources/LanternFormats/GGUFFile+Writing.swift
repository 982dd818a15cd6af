package import LanternTensor

/// A key of a GGUF file's header, and its value as the file has it.
package struct GGUFField: Sendable {
  package let key: String
  /// The type's number and the value.
  let bytes: [UInt8]

  /// As it lies in a file.
  init(_ key: String, _ bytes: some Sequence<UInt8>) {
    (self.key, self.bytes) = (key, Array(bytes))
  }

  private init(_ key: String, _ type: GGUFType, _ value: [UInt8]) {
    self.init(key, type.rawValue.littleEndianBytes + value)
  }

  /// An integer of 32 bits without sign, as llama.cpp has sizes and ids.
  package init(_ key: String, _ value: Int) {
    self.init(key, .uint32, UInt32(clamping: value).littleEndianBytes)
  }

  /// A number of 32 bits.
  package init(_ key: String, _ value: Float) {
    self.init(key, .float32, value.bitPattern.littleEndianBytes)
  }

  /// A flag.
  package init(_ key: String, _ value: Bool) { self.init(key, .bool, [value ? 1 : 0]) }

  /// A text.
  package init(_ key: String, _ value: String) {
    self.init(key, .string, Self.text(Array(value.utf8)))
  }

  /// Texts.
  package init(_ key: String, _ values: [String]) {
    self.init(key, .string, values.map { Self.text(Array($0.utf8)) })
  }

  /// Integers of 32 bits.
  package init(_ key: String, _ values: [Int]) {
    self.init(key, .int32, values.map { Int32(clamping: $0).littleEndianBytes })
  }

  /// Numbers of 32 bits.
  package init(_ key: String, _ values: [Float]) {
    self.init(key, .float32, values.map(\.bitPattern.littleEndianBytes))
  }

  private init(_ key: String, _ type: GGUFType, _ values: [[UInt8]]) {
    self.init(
      key, .array,
      type.rawValue.littleEndianBytes + UInt64(values.count).littleEndianBytes + values.joined())
  }

  static func text(_ bytes: [UInt8]) -> [UInt8] {
    UInt64(bytes.count).littleEndianBytes + bytes
  }
}

extension FixedWidthInteger {
  fileprivate var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}

/// A tensor that a GGUF file is to hold, made when it is written.
package struct GGUFTensor: Sendable {
  package let name: String
  /// Outermost first.
  let shape: [Int]
  package let type: GGMLType
  /// Makes it.
  private let make: @Sendable () throws(FormatError) -> StoredTensor

  /// - Parameters:
  ///   - name: in the file.
  ///   - shape: of whole blocks along the last axis.
  ///   - type: how the file has it.
  ///   - make: makes it, of this shape and type's format.
  package init(
    _ name: String, _ shape: [Int], _ type: GGMLType,
    _ make: @escaping @Sendable () throws(FormatError) -> StoredTensor
  ) {
    (self.name, self.shape, self.type, self.make) = (name, shape, type, make)
  }

  /// Numbers stored in a type that is written.
  ///
  /// - Parameters:
  ///   - name: in the file.
  ///   - shape: of whole blocks along the last axis.
  ///   - type: of ``GGMLType/written``.
  ///   - make: makes the numbers.
  package init(
    _ name: String, _ shape: [Int], encodedAs type: GGMLType,
    _ make: @escaping @Sendable () throws(FormatError) -> Tensor
  ) {
    self.init(name, shape, type) { () throws(FormatError) in
      let tensor = try make()
      defer { tensor.releasePages() }
      guard let format = type.format else {
        throw .unsupportedElementType(name: name, type: type.name, file: "the new file")
      }
      do throws(TensorError) {
        let numbers = try tensor.reshaped(shape).contiguous()
        if numbers.isFiniteEverywhere {
          let stored = try StoredTensor(encoding: numbers, as: format)
          if try stored.tensor().isFiniteEverywhere { return stored }
        }
      } catch {
        throw .tensor(error)
      }
      throw .overflow(name: name, type: type.name, file: "the new file")
    }
  }

  var byteCount: Int { shape.reduce(1, *) / type.blockElements * type.blockBytes }

  fileprivate func stored(in path: String) throws(FormatError) -> StoredTensor {
    let stored = try make()
    guard stored.bytes.count == byteCount else {
      throw .wrongByteCount(
        name: name, expected: byteCount, found: stored.bytes.count, file: path)
    }
    return stored
  }
}

extension GGUFFile {
  /// Where tensors begin: a multiple of this, as of files without `general.alignment`.
  private static let alignment = 32

  /// Writes keys and tensors as one file of version 3 (ggml's `docs/gguf.md`).
  ///
  /// - Parameters:
  ///   - fields: each with a key of its own.
  ///   - tensors: each with a name of its own, in order.
  ///   - path: where to; whole or not at all.
  ///   - mode: what becomes of a file that is there already.
  ///   - onTensor: called before each tensor is made; throw to stop.
  /// - Throws: ``FormatError/duplicateTensor(name:file:)``, ``FormatError/badShape(name:shape:file:)``,
  ///   ``FormatError/cannotWrite(path:code:)``, what making a tensor throws, or `onTensor`.
  package static func write(
    _ fields: [GGUFField], _ tensors: [GGUFTensor], to path: String,
    _ mode: AtomicFile.Mode = .replace, onTensor: () throws(FormatError) -> Void = {}
  ) throws(FormatError) {
    let header = try header(fields, tensors, path)
    try AtomicFile.write(to: path, mode) { writer throws(FormatError) in
      try header.withBytes { buffer throws(FormatError) in try writer.write(buffer) }
      for tensor in tensors {
        try onTensor()
        let stored = try tensor.stored(in: path)
        try writer.write(stored.bytes)
        withExtendedLifetime(stored) {}
        let padding = [UInt8](repeating: 0, count: aligned(tensor.byteCount) - tensor.byteCount)
        try padding.withBytes { buffer throws(FormatError) in try writer.write(buffer) }
      }
    }
  }

  private static func aligned(_ offset: Int) -> Int {
    (offset + alignment - 1) / alignment * alignment
  }

  private static func header(
    _ fields: [GGUFField], _ tensors: [GGUFTensor], _ path: String
  ) throws(FormatError) -> [UInt8] {
    var bytes = Array("GGUF".utf8) + UInt32(3).littleEndianBytes
    bytes += UInt64(tensors.count).littleEndianBytes + UInt64(fields.count).littleEndianBytes
    for field in fields { bytes += GGUFField.text(Array(field.key.utf8)) + field.bytes }
    var offset = 0
    var names: Set<String> = []
    for tensor in tensors {
      guard names.insert(tensor.name).inserted else {
        throw .duplicateTensor(name: tensor.name, file: path)
      }
      guard tensor.shape.count <= 4, !tensor.shape.isEmpty,
        (tensor.shape.last ?? 1) % tensor.type.blockElements == 0
      else { throw .badShape(name: tensor.name, shape: tensor.shape, file: path) }
      bytes += GGUFField.text(Array(tensor.name.utf8))
      bytes += UInt32(tensor.shape.count).littleEndianBytes
      for size in tensor.shape.reversed() { bytes += UInt64(size).littleEndianBytes }
      bytes += tensor.type.number.littleEndianBytes + UInt64(offset).littleEndianBytes
      offset += aligned(tensor.byteCount)
    }
    return bytes + [UInt8](repeating: 0, count: aligned(bytes.count) - bytes.count)
  }
}
