import LanternPlatform
package import LanternTensor

/// A GGUF file, llama.cpp's and stable-diffusion.cpp's format, mapped into memory: tensors are decoded when
/// they are read.
package struct GGUFFile: TensorFile {
  package let path: String
  /// Names of the tensors in the order of the header.
  package let names: [String]
  /// All values of the header, by key.
  package let values: [String: GGUFValue]
  private let entries: [String: GGUFHeader.Entry]
  private let storage: Storage

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
    let header = try GGUFHeader(storage, file: path)
    self.path = path
    self.storage = storage
    self.names = header.names
    self.values = header.values
    self.entries = header.entries
  }

  /// Whether a file begins as a GGUF file does.
  package static func isGGUF(_ bytes: UnsafeRawBufferPointer) -> Bool { GGUFHeader.isGGUF(bytes) }

  /// The values that are texts.
  package var metadata: [String: String] { values.compactMapValues(\.string) }

  package var byteCount: Int { storage.byteCount }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    entries[name].map { ($0.type.name, $0.shape) }
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let entry = entries[name] else { return nil }
    let stored = try self.stored(name, entry)
    do {
      let tensor = try stored.tensor()
      return tensor.shape == entry.shape ? tensor : try tensor.reshaped(entry.shape)
    } catch {
      throw .tensor(error)
    }
  }

  package func blocks(_ name: String) throws(FormatError) -> StoredTensor? {
    guard let entry = entries[name], entry.type.format?.packedForm != nil,
      entry.shape.count == 2, entry.shape == entry.storedShape
    else { return nil }
    return try stored(name, entry)
  }

  private func stored(_ name: String, _ entry: GGUFHeader.Entry) throws(FormatError)
    -> StoredTensor
  {
    guard let format = entry.type.format else {
      throw .unsupportedElementType(name: name, type: entry.type.name, file: path)
    }
    do {
      return try StoredTensor(storage, entry.storedShape, as: format, at: entry.begin)
    } catch {
      throw .tensor(error)
    }
  }

  package func releasePages() { storage.releasePages() }
}
