import LanternPlatform
package import LanternTensor

/// A safetensors file, mapped into memory: tensors are views of it.
///
/// What is refused follows the reference implementation
/// (huggingface/safetensors, `safetensors/src/tensor.rs`, `Metadata::validate`): tensors lie one
/// behind the other, without overlap or hole, and fill the file to its end.
package struct SafetensorsFile: TensorFile {
  package let path: String
  /// Names of the tensors in the order of their bytes.
  package let names: [String]
  package let metadata: [String: String]
  private let entries: [String: Entry]
  private let storage: Storage

  struct Entry: Sendable {
    let type: String
    let shape: [Int]
    let begin: Int
    let end: Int
  }

  /// The most bytes a header may take, as in the reference implementation.
  static let headerLimit = 100_000_000
  /// The most axes a tensor may have.
  static let rankLimit = 8

  /// Opens a file and checks all that its header claims.
  ///
  /// - Throws: ``FormatError`` when it cannot be read or is not sound.
  package init(_ path: String) throws(FormatError) {
    try self.init(FileSystem.map(path), path: path)
  }

  /// Checks all that the header of a file's bytes claims.
  ///
  /// - Throws: ``FormatError`` when it is not sound.
  package init(_ storage: Storage, path: String) throws(FormatError) {
    self.path = path
    let bytes = UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount)
    let header = try SafetensorsHeader(bytes, file: path)
    self.storage = storage
    self.names = header.names
    self.metadata = header.metadata
    self.entries = header.entries
  }

  package var byteCount: Int { storage.byteCount }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    entries[name].map { ($0.type, $0.shape) }
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let entry = entries[name] else { return nil }
    guard let format = ElementType.named(entry.type)?.format else {
      throw .unsupportedElementType(name: name, type: entry.type, file: path)
    }
    do {
      return try StoredTensor(storage, entry.shape, as: format, at: entry.begin).tensor()
    } catch {
      throw .tensor(error)
    }
  }

  package func number(_ name: String) throws(FormatError) -> Double? {
    guard let entry = entries[name], entry.shape.allSatisfy({ $0 == 1 }) else { return nil }
    let start = storage.base + entry.begin
    switch entry.type {
    case "I64": return Double(Int64(littleEndian: start.loadUnaligned(as: Int64.self)))
    case "F64":
      return Double(bitPattern: UInt64(littleEndian: start.loadUnaligned(as: UInt64.self)))
    default: return try computableNumber(name)
    }
  }

  /// The elements of a tensor of 8- or 64-bit integers, in order; `nil` where there is none.
  ///
  /// - Throws: ``FormatError/unsupportedElementType(name:type:file:)`` for another type, ``FormatError/tensor(_:)`` for want
  ///   of memory.
  package func integers(_ name: String) throws(FormatError) -> [Int]? {
    guard let entry = entries[name] else { return nil }
    let base = storage.base + entry.begin
    let count = entry.shape.reduce(1, *)
    do { try Memory.require(count * MemoryLayout<Int>.size) } catch { throw .tensor(error) }
    switch entry.type {
    case "I8": return (0..<count).map { Int(base.loadUnaligned(fromByteOffset: $0, as: Int8.self)) }
    case "I64":
      return (0..<count).map {
        Int(Int64(littleEndian: base.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)))
      }
    default: throw .unsupportedElementType(name: name, type: entry.type, file: path)
    }
  }

  package func releasePages() { storage.releasePages() }
}
