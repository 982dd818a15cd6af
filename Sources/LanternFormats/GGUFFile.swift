import LanternPlatform
package import LanternTensor

/// A GGUF file, llama.cpp's and stable-diffusion.cpp's format, or all files that one is split into, mapped into memory:
/// tensors are decoded when they are read.
package struct GGUFFile: TensorFile {
  package let path: String
  /// Names of the tensors in the order of the headers.
  package let names: [String]
  /// All values of the header, of the first where the file is split, by key.
  package let values: [String: GGUFValue]
  private let ranges: [(key: String, range: Range<Int>)]
  private let entries: [String: (entry: GGUFHeader.Entry, storage: Storage)]
  private let storages: [Storage]

  /// Opens a file, with the others of one that is split, and checks all that its header claims.
  ///
  /// - Throws: ``FormatError`` when it cannot be read or is not sound, or another part is missing.
  package init(_ path: String) throws(FormatError) {
    let storage = try FileSystem.map(path)
    let header = try GGUFHeader(storage, file: path)
    guard let split = try GGUFSplit(header, path: path) else {
      try self.init([(header, storage)], path: path)
      return
    }
    var parts: [(GGUFHeader, Storage)] = []
    for (number, part) in split.paths.enumerated() {
      if number == split.number {
        parts.append((header, storage))
        continue
      }
      guard FileSystem.exists(part) else {
        throw .missingFile(
          path: part,
          remedy: "it is part \(number + 1) of \(split.paths.count) of the model: fetch it too")
      }
      let storage = try FileSystem.map(part)
      let header = try GGUFHeader(storage, file: part)
      try split.check(header, is: number, at: part)
      parts.append((header, storage))
    }
    try self.init(parts, path: split.paths[0])
    try split.check(tensors: names.count)
  }

  /// Checks all that the header of a file's bytes claims.
  ///
  /// - Throws: ``FormatError`` when it is not sound.
  package init(_ storage: Storage, path: String) throws(FormatError) {
    try self.init([(GGUFHeader(storage, file: path), storage)], path: path)
  }

  private init(_ parts: [(header: GGUFHeader, storage: Storage)], path: String)
    throws(FormatError)
  {
    self.path = path
    storages = parts.map(\.storage)
    values = parts.first?.header.values ?? [:]
    ranges = parts.first?.header.ranges ?? []
    names = parts.flatMap(\.header.names)
    var entries: [String: (entry: GGUFHeader.Entry, storage: Storage)] = [:]
    for (header, storage) in parts {
      for (name, entry) in header.entries {
        guard entries.updateValue((entry, storage), forKey: name) == nil else {
          throw .duplicateTensor(name: name, file: path)
        }
      }
    }
    self.entries = entries
  }

  /// Whether a file begins as a GGUF file does.
  package static func isGGUF(_ bytes: UnsafeRawBufferPointer) -> Bool { GGUFHeader.isGGUF(bytes) }

  /// The header's keys with their values, in its order, to be written to another file as they are.
  package var fields: [GGUFField] {
    guard let storage = storages.first else { return [] }
    let bytes = UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount)
    return ranges.map { GGUFField($0.key, bytes[$0.range]) }
  }

  /// The values that are texts.
  package var metadata: [String: String] { values.compactMapValues(\.string) }

  package var byteCount: Int { storages.reduce(0) { $0 + $1.byteCount } }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    entries[name].map { ($0.entry.type.name, $0.entry.shape) }
  }

  /// A tensor as it is stored, in the shape that its blocks were cut from; `nil` where there is none of this name.
  ///
  /// - Throws: ``FormatError/unsupportedElementType(name:type:file:)``.
  package func stored(_ name: String) throws(FormatError) -> StoredTensor? {
    guard let (entry, storage) = entries[name] else { return nil }
    guard let format = entry.type.format else {
      throw .unsupportedElementType(name: name, type: entry.type.name, file: path)
    }
    do {
      return try StoredTensor(storage, entry.storedShape, as: format, at: entry.begin)
    } catch {
      throw .tensor(error)
    }
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let stored = try stored(name), let shape = entries[name]?.entry.shape else { return nil }
    do {
      let tensor = try stored.tensor()
      return tensor.shape == shape ? tensor : try tensor.reshaped(shape)
    } catch {
      throw .tensor(error)
    }
  }

  package func blocks(_ name: String) throws(FormatError) -> StoredTensor? {
    guard let entry = entries[name]?.entry, entry.type.format?.packedForm != nil,
      [2, 3].contains(entry.shape.count), entry.shape == entry.storedShape
    else { return nil }
    return try stored(name)
  }

  package func releasePages() {
    for storage in storages { storage.releasePages() }
  }
}
