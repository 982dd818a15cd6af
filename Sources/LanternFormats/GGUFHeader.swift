internal import LanternTensor

/// Everything of a GGUF file but its tensors' bytes, checked against the file before it is believed
/// (llama.cpp's format, version 3 and 2, which lies as it does: ggml's `docs/gguf.md`).
struct GGUFHeader {
  struct Entry: Sendable {
    let type: GGMLType
    /// Outermost first, as PyTorch has it; the file has the innermost first.
    let shape: [Int]
    /// The shape that its blocks were cut from, where the file says another one.
    let storedShape: [Int]
    /// Where its bytes begin in the file.
    let begin: Int
    let byteCount: Int
  }

  private(set) var values: [String: GGUFValue] = [:]
  /// The keys in the order of the file, and where the type and value of each lie.
  private(set) var ranges: [(key: String, range: Range<Int>)] = []
  private(set) var names: [String] = []
  private(set) var entries: [String: Entry] = [:]
  private let file: String
  private let storage: Storage

  /// As in ggml.
  private static let rankLimit = 4
  /// Arrays in one another that are passed over.
  private static let depthLimit = 8

  init(_ storage: Storage, file: String) throws(FormatError) {
    (self.file, self.storage) = (file, storage)
    let bytes = UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount)
    if let refusal = FileKind.refusal(of: bytes, path: file) {
      throw .unsupportedFileKind(path: file, remedy: refusal)
    }
    var cursor = GGUFCursor(bytes, file: file)
    guard Self.isGGUF(bytes) else {
      throw .malformedGGUF(file: file, reason: "it does not begin with GGUF")
    }
    try cursor.skip(4)
    let version = try cursor.load(UInt32.self)
    guard version == 2 || version == 3 else {
      let isBigEndian = version.byteSwapped <= 3
      throw .malformedGGUF(
        file: file,
        reason: isBigEndian
          ? "it is for big-endian machines" : "its version is \(version), and Lantern reads 2 and 3"
      )
    }
    // A tensor takes at least 24 bytes here, a value 13.
    let tensorCount = try cursor.count(of: 24)
    let valueCount = try cursor.count(of: 13)
    for _ in 0..<valueCount { try readValue(&cursor) }
    let tensors = try (0..<tensorCount).map { _ throws(FormatError) in try readTensor(&cursor) }
    try locate(tensors, behind: cursor.offset)
  }

  /// Whether bytes begin as a GGUF file does.
  static func isGGUF(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: "GGUF".utf8) }

  private mutating func readValue(_ cursor: inout GGUFCursor) throws(FormatError) {
    let key = String(decoding: try cursor.string(), as: UTF8.self)
    guard values[key] == nil else {
      throw .malformedGGUF(file: file, reason: "it has the key \(JSON.quoted(key)) twice")
    }
    let start = cursor.offset
    let type = try cursor.type(of: key)
    values[key] =
      type == .array ? .array(try array(&cursor, key, depth: 0)) : try cursor.scalar(type)
    ranges.append((key, start..<cursor.offset))
  }

  /// Passes over an array, and gives where it lies.
  private func array(_ cursor: inout GGUFCursor, _ key: String, depth: Int) throws(FormatError)
    -> GGUFArray
  {
    guard depth < Self.depthLimit else {
      throw .malformedGGUF(
        file: file,
        reason: "\(JSON.quoted(key)) has more than \(Self.depthLimit) arrays in one another")
    }
    let type = try cursor.type(of: key)
    // A text takes at least its length, an array its type and length.
    let count = try cursor.count(of: type.byteSize ?? (type == .string ? 8 : 12))
    let start = cursor.offset
    if let size = type.byteSize {
      try cursor.skip(count * size)
    } else {
      for _ in 0..<count {
        if type == .string {
          try cursor.skip(try cursor.count(of: 1))
        } else {
          _ = try array(&cursor, key, depth: depth + 1)
        }
      }
    }
    return GGUFArray(type, count: count, in: storage, start..<cursor.offset)
  }

  /// A tensor's name, type, shape, and where it begins behind the header.
  private mutating func readTensor(_ cursor: inout GGUFCursor) throws(FormatError)
    -> (name: String, type: GGMLType, shape: [Int], offset: Int)
  {
    let name = String(decoding: try cursor.string(), as: UTF8.self)
    let rank = Int(try cursor.load(UInt32.self))
    guard rank <= Self.rankLimit else {
      throw .malformedGGUF(
        file: file, reason: "tensor \(JSON.quoted(name)) has \(rank) axes, and 4 are the most")
    }
    let sizes = try (0..<rank).map { _ throws(FormatError) in try cursor.load(UInt64.self) }
    let shape = sizes.reversed().map { Int(clamping: $0) }
    let number = try cursor.load(UInt32.self)
    guard let type = GGMLType.numbered(number) else {
      throw .unknownElementType(name: name, type: "\(number)", file: file)
    }
    let offset = try cursor.load(UInt64.self)
    guard let offset = Int(exactly: offset) else {
      throw .tensorOutOfRange(
        name: name, begin: Int.max, end: Int.max, limit: storage.byteCount, file: file)
    }
    return (name, type, shape, offset)
  }

  /// The shape that ComfyUI-GGUF's converter notes of a tensor whose rows do not fill blocks.
  private func originalShape(of name: String, count: Int) throws(FormatError) -> [Int]? {
    guard let shape = values["comfy.gguf.orig_shape.\(name)"]?.array?.integers else { return nil }
    guard shape.count <= 8, shape.allSatisfy({ $0 >= 0 }),
      (try? shape.checkedElementCount()) == count
    else { throw .badShape(name: name, shape: shape, file: file) }
    return shape
  }

  /// Checks that each tensor lies in the file.
  private mutating func locate(
    _ tensors: [(name: String, type: GGMLType, shape: [Int], offset: Int)], behind header: Int
  ) throws(FormatError) {
    let alignment = values["general.alignment"]?.integer ?? 32
    guard alignment > 0, alignment <= 1 << 20, alignment & (alignment - 1) == 0 else {
      throw .malformedGGUF(
        file: file, reason: "general.alignment is \(alignment), which is no power of two")
    }
    let start = (header + alignment - 1) & ~(alignment - 1)
    let dataCount = max(0, storage.byteCount - start)
    for (name, type, shape, offset) in tensors {
      guard entries[name] == nil else { throw .duplicateTensor(name: name, file: file) }
      guard let count = try? shape.checkedElementCount(),
        (shape.last ?? 1) % type.blockElements == 0
      else { throw .badShape(name: name, shape: shape, file: file) }
      let (size, overflow) = (count / type.blockElements)
        .multipliedReportingOverflow(by: type.blockBytes)
      guard !overflow else { throw .badShape(name: name, shape: shape, file: file) }
      guard offset % alignment == 0 else {
        throw .malformedGGUF(
          file: file,
          reason:
            "tensor \(JSON.quoted(name)) begins at byte \(offset), no multiple of \(alignment)")
      }
      guard offset <= dataCount, size <= dataCount - offset else {
        throw .tensorOutOfRange(
          name: name, begin: offset, end: offset &+ size, limit: dataCount, file: file)
      }
      names.append(name)
      entries[name] = Entry(
        type: type, shape: try originalShape(of: name, count: count) ?? shape, storedShape: shape,
        begin: start + offset, byteCount: size)
    }
  }
}
