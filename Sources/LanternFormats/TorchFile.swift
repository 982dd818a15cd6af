import LanternPlatform
package import LanternTensor

/// A checkpoint that `torch.save` wrote, in a ZIP archive or, before PyTorch 1.6, without, mapped into memory:
/// tensors are views of it. Nothing in it is run: of its pickle only tensors are understood.
package struct TorchFile: TensorFile {
  package let path: String
  package let names: [String]
  package let metadata: [String: String]
  private let entries: [String: TensorLocation]
  private let storage: Storage

  private struct TensorLocation: Sendable {
    let type: ElementType
    let shape: [Int]
    let strides: [Int]
    /// Byte offset of element 0.
    let begin: Int
    /// Bytes of all elements, each counted by itself.
    let byteCount: Int
  }

  /// Opens a file and checks all that it claims.
  ///
  /// - Throws: ``FormatError`` when it cannot be read or is not sound.
  package init(_ path: String) throws(FormatError) {
    try self.init(FileSystem.map(path), path: path)
  }

  /// Checks all that the bytes of a file claim.
  ///
  /// - Throws: ``FormatError`` when they are not sound.
  package init(_ storage: Storage, path: String) throws(FormatError) {
    self.path = path
    self.storage = storage
    let bytes = UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount)
    if let refusal = FileKind.refusal(of: bytes, path: path) {
      throw .unsupportedFileKind(path: path, remedy: refusal)
    }
    let (content, storages) = try Self.content(bytes, path)
    metadata = content.texts
    var names: [String] = []
    var entries: [String: TensorLocation] = [:]
    var total = 0
    for (name, entry) in content.entries {
      guard let data = storages[entry.storage] else {
        throw .missingTensor(name: name, file: path)
      }
      let location = try Self.location(entry, data, name, path)
      guard entries.updateValue(location, forKey: name) == nil else {
        throw .duplicateTensor(name: name, file: path)
      }
      names.append(name)
      total += location.byteCount
      guard total <= Self.mostViews * bytes.count else {
        throw .malformedCheckpoint(
          file: path, reason: "its tensors repeat its bytes more than \(Self.mostViews) times")
      }
    }
    self.names = names
    self.entries = entries
  }

  /// What the file says, and where the bytes of each storage are.
  private static func content(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(FormatError)
    -> (TorchPickle.Content, storages: [String: Range<Int>])
  {
    if bytes.starts(with: TorchPickle.legacyBeginning) {
      try require(memoryFor: min(bytes.count, TorchPickle.longestLegacy))
      return try TorchPickle.legacy(bytes, file: path)
    }
    guard ZipDirectory.isZip(bytes) else {
      throw .unsupportedFileKind(
        path: path, remedy: "is no checkpoint of PyTorch's: \(TensorArchive.conversion)")
    }
    let files = try ZipDirectory(bytes, file: path).stored()
    let pickles = files.filter { $0.key.hasSuffix("/data.pkl") }
    guard let (name, range) = pickles.first, pickles.count == 1 else {
      throw .malformedCheckpoint(
        file: path, reason: "it has \(pickles.count) files data.pkl, not one")
    }
    guard range.count <= longestPickle else {
      throw .tooLarge(path: path, byteCount: range.count, limit: longestPickle)
    }
    let root = name.dropLast("data.pkl".count)
    if let order = files["\(root)byteorder"], !bytes[order].elementsEqual("little".utf8) {
      throw .malformedCheckpoint(file: path, reason: "its numbers are not little-endian")
    }
    var storages: [String: Range<Int>] = [:]
    let prefix = Array("\(root)data/".utf8)
    for (name, range) in files where name.utf8.starts(with: prefix) {
      storages[String(decoding: name.utf8.dropFirst(prefix.count), as: UTF8.self)] = range
    }
    try require(memoryFor: range.count)
    let pickle = UnsafeRawBufferPointer(rebasing: bytes[range])
    return (try TorchPickle.content(pickle, file: path), storages)
  }

  private static func require(memoryFor pickle: Int) throws(FormatError) {
    do { try Memory.require(memoryPerByte * pickle) } catch { throw .tensor(error) }
  }

  /// Bytes of the pickle: a hundred times what one of ten thousand tensors takes.
  private static let longestPickle = 64 << 20
  /// Memory that reading takes for each byte of the pickle at most: a byte may make a value.
  private static let memoryPerByte = 120
  /// Maximum sum of tensors' sizes, in sizes of the file: tensors may share bytes, and one may repeat them.
  private static let mostViews = 16

  /// The location of a tensor, checked against the bytes that are there.
  private static func location(
    _ entry: TorchPickle.Entry, _ data: Range<Int>, _ name: String, _ path: String
  ) throws(FormatError) -> TensorLocation {
    guard let type = ElementType.named(inTorch: entry.type) else {
      throw .unknownElementType(name: name, type: entry.type, file: path)
    }
    let size = type.bits / 8
    let shape = entry.shape
    guard shape.count <= SafetensorsFile.rankLimit, let count = try? shape.checkedElementCount()
    else { throw .badShape(name: name, shape: shape, file: path) }
    guard count > 0 else {
      // A tensor without elements has no location: no offset is wrong.
      return TensorLocation(
        type: type, shape: shape, strides: shape.contiguousStrides, begin: data.lowerBound,
        byteCount: 0)
    }
    // The furthest element that the shape and the strides reach.
    var last = entry.offset
    var isSound = entry.offset >= 0
    for (count, stride) in zip(shape, entry.strides) {
      let (reach, overflow) = (count - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow2) = last.addingReportingOverflow(reach)
      isSound = isSound && stride >= 0 && !overflow && !overflow2
      last = sum
    }
    let limit = data.count / size
    guard isSound, last < limit else {
      throw .tensorOutOfRange(
        name: name, begin: entry.offset, end: last, limit: limit, file: path)
    }
    return TensorLocation(
      type: type, shape: shape, strides: entry.strides,
      begin: data.lowerBound + entry.offset * size, byteCount: count * size)
  }

  package var byteCount: Int { storage.byteCount }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    entries[name].map { ($0.type.name, $0.shape) }
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let entry = entries[name] else { return nil }
    guard let format = entry.type.format else {
      throw .unsupportedElementType(name: name, type: entry.type.name, file: path)
    }
    do {
      return try StoredTensor(
        storage, entry.shape, strides: entry.strides, as: format, at: entry.begin
      ).tensor()
    } catch {
      throw .tensor(error)
    }
  }

  package func releasePages() { storage.releasePages() }
}
