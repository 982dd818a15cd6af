internal import LanternTensor

/// The header of a safetensors file: eight bytes of length, then JSON. Everything it claims is
/// checked against the file before anything is believed.
package struct SafetensorsHeader {
  /// Names of the tensors in the order of their bytes.
  package private(set) var names: [String] = []
  private(set) var metadata: [String: String] = [:]
  private(set) var entries: [String: SafetensorsFile.Entry] = [:]
  private let file: String
  private let dataStart: Int

  /// Reads the header of a whole file.
  ///
  /// - Throws: ``FormatError`` when it is not sound.
  package init(_ bytes: UnsafeRawBufferPointer, file: String) throws(FormatError) {
    self.file = file
    try Self.refuseOtherKinds(bytes, file)
    guard bytes.count >= 8 else {
      throw .truncated(file: file, at: bytes.count, need: 8 - bytes.count)
    }
    let claimed = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard claimed <= SafetensorsFile.headerLimit else {
      throw .headerTooLarge(file: file, byteCount: claimed, limit: SafetensorsFile.headerLimit)
    }
    let length = Int(claimed)
    guard length <= bytes.count - 8 else {
      throw .truncated(file: file, at: bytes.count, need: length + 8 - bytes.count)
    }
    dataStart = 8 + length
    guard length > 0, bytes[8] == UInt8(ascii: "{") else {
      throw .malformedHeader(file: file, reason: "its header does not begin with {")
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
    guard let members = try JSON.parse(text, file: file).object else {
      throw .malformedHeader(file: file, reason: "its header is not a JSON object")
    }
    try read(members)
    try check(dataCount: bytes.count - dataStart)
  }

  /// The type of the file that is there instead, where its first bytes show it.
  private static func refuseOtherKinds(_ bytes: UnsafeRawBufferPointer, _ file: String)
    throws(FormatError)
  {
    if let refusal = FileKind.refusal(of: bytes, path: file) {
      throw .unsupportedFileKind(path: file, remedy: refusal)
    }
    if GGUFHeader.isGGUF(bytes) {
      throw .unsupportedFileKind(path: file, remedy: "is a GGUF file: take safetensors here")
    }
    if ZipDirectory.isZip(bytes) {
      throw .unsupportedFileKind(
        path: file, remedy: "is a checkpoint of PyTorch's under another name: call it .bin")
    }
  }

  private mutating func read(_ members: [String: JSONValue]) throws(FormatError) {
    for (name, value) in members {
      // The reference implementation takes null for no metadata.
      if name == "__metadata__", value.isNull { continue }
      guard let fields = value.object else {
        throw .wrongType(key: name, expected: "an object", file: file)
      }
      if name == "__metadata__" {
        for (key, value) in fields {
          guard case .string(let text) = value else {
            throw .wrongType(key: "__metadata__.\(key)", expected: "a text", file: file)
          }
          metadata[key] = text
        }
      } else {
        entries[name] = try entry(name, fields)
      }
    }
    // Empty tensors share their offset with the next, so the end decides, then the name.
    names = entries.sorted { one, other in
      (one.value.begin, one.value.end, one.key) < (other.value.begin, other.value.end, other.key)
    }.map(\.key)
  }

  private func entry(_ name: String, _ fields: [String: JSONValue]) throws(FormatError)
    -> SafetensorsFile.Entry
  {
    guard let type = fields["dtype"]?.string else {
      throw .wrongType(key: "\(name).dtype", expected: "a text", file: file)
    }
    let shape = try integers(fields["shape"], "\(name).shape")
    let offsets = try integers(fields["data_offsets"], "\(name).data_offsets")
    guard offsets.count == 2 else {
      throw .wrongType(key: "\(name).data_offsets", expected: "two integers", file: file)
    }
    guard shape.count <= SafetensorsFile.rankLimit else {
      throw .badShape(name: name, shape: shape, file: file)
    }
    let (begin, overflow) = offsets[0].addingReportingOverflow(dataStart)
    let (end, carry) = offsets[1].addingReportingOverflow(dataStart)
    guard offsets[0] <= offsets[1], !overflow, !carry else {
      throw .tensorOutOfRange(
        name: name, begin: offsets[0], end: offsets[1], limit: Int.max - dataStart, file: file)
    }
    return SafetensorsFile.Entry(type: type, shape: shape, begin: begin, end: end)
  }

  private func integers(_ value: JSONValue?, _ key: String) throws(FormatError) -> [Int] {
    guard let values = value?.array else {
      throw .wrongType(key: key, expected: "a list of integers", file: file)
    }
    return try values.map { value throws(FormatError) in
      guard let integer = value.integer, integer >= 0 else {
        throw .wrongType(key: key, expected: "a list of integers, none negative", file: file)
      }
      return integer
    }
  }

  private func check(dataCount: Int) throws(FormatError) {
    var next = 0
    for name in names {
      guard let entry = entries[name] else { continue }
      let (begin, end) = (entry.begin - dataStart, entry.end - dataStart)
      guard end <= dataCount else {
        throw .tensorOutOfRange(name: name, begin: begin, end: end, limit: dataCount, file: file)
      }
      guard begin == next else {
        throw .tensorMisplaced(name: name, begin: begin, expected: next, file: file)
      }
      let expected = try byteCount(name, entry)
      guard expected == end - begin else {
        throw .wrongByteCount(name: name, expected: expected, found: end - begin, file: file)
      }
      next = end
    }
    guard next == dataCount else {
      throw .malformedHeader(
        file: file, reason: "\(dataCount - next) bytes at its end belong to no tensor")
    }
  }

  private func byteCount(_ name: String, _ entry: SafetensorsFile.Entry) throws(FormatError) -> Int
  {
    guard let bits = ElementType.named(entry.type)?.bits else {
      throw .unknownElementType(name: name, type: entry.type, file: file)
    }
    guard let count = try? entry.shape.checkedElementCount() else {
      throw .badShape(name: name, shape: entry.shape, file: file)
    }
    let (total, overflow) = count.multipliedReportingOverflow(by: bits)
    guard !overflow, total % 8 == 0 else {
      throw .badShape(name: name, shape: entry.shape, file: file)
    }
    return total / 8
  }
}
