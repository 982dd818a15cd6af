package import LanternTensor

/// A checkpoint that `torch.save` wrote (PyTorch 1.6 and later), mapped into memory: tensors are views
/// of it. Nothing in it is run: of its pickle only tensors are understood.
package struct TorchFile: TensorFile {
  package let path: String
  package let names: [String]
  package let metadata: [String: String] = [:]
  private let entries: [String: Place]
  private let storage: Storage

  private struct Place: Sendable {
    let type: String
    let shape: [Int]
    let strides: [Int]
    /// Of element 0, and of the end of what the tensor lies in.
    let begin: Int
    let end: Int
  }

  /// Bytes an element takes, for all types of PyTorch's.
  private static let sizes = [
    "F32": 4, "F16": 2, "BF16": 2, "I32": 4, "U8": 1, "I64": 8, "F64": 8, "I16": 2, "I8": 1,
    "BOOL": 1,
  ]

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
    guard ZipDirectory.isZip(bytes) else {
      throw .unsupportedFileKind(
        path: path, remedy: "is no checkpoint of PyTorch's: \(TensorArchive.conversion)")
    }
    let directory = try ZipDirectory(bytes, file: path)
    guard let pickle = directory.ranges.first(where: { $0.key.hasSuffix("/data.pkl") }) else {
      throw .malformedCheckpoint(file: path, reason: "it has no data.pkl")
    }
    let root = pickle.key.dropLast("data.pkl".count)
    if let order = directory.ranges["\(root)byteorder"], !bytes[order].elementsEqual("little".utf8)
    {
      throw .malformedCheckpoint(file: path, reason: "its numbers are not little-endian")
    }
    var names: [String] = []
    var entries: [String: Place] = [:]
    let list = try TorchPickle.entries(
      UnsafeRawBufferPointer(rebasing: bytes[pickle.value]), file: path)
    for (name, entry) in list {
      guard let data = directory.ranges["\(root)data/\(entry.storage)"] else {
        throw .missingTensor(name: name, file: path)
      }
      if entries[name] == nil { names.append(name) }
      entries[name] = try Self.place(entry, data, name, path)
    }
    self.names = names
    self.entries = entries
  }

  /// Where a tensor lies, checked against the bytes that are there.
  private static func place(
    _ entry: TorchPickle.Entry, _ data: Range<Int>, _ name: String, _ path: String
  ) throws(FormatError) -> Place {
    guard let size = sizes[entry.type] else {
      throw .unknownElementType(name: name, type: entry.type, file: path)
    }
    let shape = entry.shape
    guard shape.count <= SafetensorsFile.rankLimit, shape.allSatisfy({ $0 >= 0 }),
      (try? shape.checkedElementCount()) != nil
    else { throw .badShape(name: name, shape: shape, file: path) }
    // The furthest element that the shape and the strides reach.
    var last = entry.offset
    var isSound = entry.offset >= 0
    for (count, stride) in zip(shape, entry.strides) where count > 0 {
      let (reach, overflow) = (count - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow2) = last.addingReportingOverflow(reach)
      isSound = isSound && stride >= 0 && !overflow && !overflow2
      last = sum
    }
    let limit = data.count / size
    guard isSound, shape.contains(0) || last < limit else {
      throw .tensorOutOfRange(
        name: name, begin: entry.offset, end: last, limit: limit, file: path)
    }
    return Place(
      type: entry.type, shape: shape, strides: entry.strides,
      begin: data.lowerBound + entry.offset * size, end: data.upperBound)
  }

  package var byteCount: Int { storage.byteCount }

  package func info(_ name: String) -> (dtype: String, shape: [Int])? {
    entries[name].map { ($0.type, $0.shape) }
  }

  package func tensor(_ name: String) throws(FormatError) -> Tensor? {
    guard let entry = entries[name] else { return nil }
    guard let dtype = DType(safetensors: entry.type) else {
      throw .unsupportedElementType(name: name, type: entry.type, file: path)
    }
    do {
      if entry.shape.contains(0) { return try Draft(entry.shape, dtype).tensor() }
      var (source, begin) = (storage, entry.begin)
      if begin % dtype.byteSize != 0 {
        source = try Storage(byteCount: entry.end - begin)
        source.base.copyMemory(from: storage.base + begin, byteCount: entry.end - begin)
        begin = 0
      }
      let view = Tensor(
        storage: source, shape: entry.shape, dtype: dtype, strides: entry.strides,
        byteOffset: begin)
      return try view.contiguous()
    } catch {
      throw .tensor(error)
    }
  }

  package func releasePages() { storage.releasePages() }
}
