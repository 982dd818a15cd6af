import LanternTensor

/// The central directory of a ZIP archive (PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16).
package struct ZipDirectory {
  /// A file in the archive.
  package struct Entry: Sendable {
    /// How it is packed: 0 for not at all, 8 for deflate.
    package let method: Int
    /// Its bytes in the archive, packed.
    package let range: Range<Int>
    /// How many bytes it is said to have when it is unpacked.
    package let byteCount: Int
    /// CRC-32 of those.
    package let checksum: UInt32
    /// Whether it is encrypted.
    package let isEncrypted: Bool
  }

  /// The files, by their names.
  package private(set) var entries: [String: Entry] = [:]

  private static let memoryPerFile = 160

  private let bytes: UnsafeRawBufferPointer
  private let file: String

  /// Whether bytes begin like a ZIP archive.
  package static func isZip(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.starts(with: [0x50, 0x4B, 0x03, 0x04])
  }

  /// Reads the directory of a whole archive.
  ///
  /// - Throws: ``FormatError/malformedCheckpoint(file:reason:)``, or ``FormatError/tensor(_:)`` for
  ///   want of memory.
  package init(_ bytes: UnsafeRawBufferPointer, file: String) throws(FormatError) {
    self.bytes = bytes
    self.file = file
    let end = try findEnd()
    var count = try number(end + 10, 2)
    var start = try number(end + 16, 4)
    if count == 0xFFFF || start == 0xFFFF_FFFF {
      // ZIP64, for more than 65,535 files or 4 GiB.
      guard end >= 20, try number(end - 20, 4) == 0x0706_4B50 else { throw broken("its end") }
      let larger = try number(end - 20 + 8, 8)
      guard try number(larger, 4) == 0x0606_4B50 else { throw broken("its larger end") }
      count = try number(larger + 32, 8)
      start = try number(larger + 48, 8)
    }
    guard count <= bytes.count / 46 else { throw broken("its count of files") }
    do { try Memory.require(count * Self.memoryPerFile) } catch { throw .tensor(error) }
    for _ in 0..<count { start = try readEntry(start) }
  }

  /// Byte range of each file, by its name, of an archive that is not compressed, as PyTorch writes them.
  ///
  /// - Throws: ``FormatError/malformedCheckpoint(file:reason:)``.
  func stored() throws(FormatError) -> [String: Range<Int>] {
    if let packed = entries.filter({ $0.value.method != 0 }).keys.min() {
      throw .malformedCheckpoint(file: file, reason: "\(JSON.quoted(packed)) is compressed")
    }
    return entries.mapValues(\.range)
  }

  private func findEnd() throws(FormatError) -> Int {
    var position = bytes.count - 22
    let last = max(0, position - 0xFFFF)
    while position >= last {
      if try number(position, 4) == 0x0605_4B50 { return position }
      position -= 1
    }
    throw broken("no end of its directory: it may be cut short")
  }

  /// Reads one file's entry; returns where the next begins.
  private mutating func readEntry(_ at: Int) throws(FormatError) -> Int {
    guard try number(at, 4) == 0x0201_4B50 else { throw broken("an entry of its directory") }
    let flags = try number(at + 8, 2)
    let method = try number(at + 10, 2)
    let checksum = UInt32(truncatingIfNeeded: try number(at + 16, 4))
    var packed = try number(at + 20, 4)
    var size = try number(at + 24, 4)
    let nameCount = try number(at + 28, 2)
    let extraCount = try number(at + 30, 2)
    let commentCount = try number(at + 32, 2)
    var local = try number(at + 42, 4)
    let name = try text(at + 46, nameCount)
    var extra = at + 46 + nameCount
    let end = extra + extraCount
    while extra + 4 <= end {
      let (kind, length) = (try number(extra, 2), try number(extra + 2, 2))
      if kind == 1 {
        // Only those of the three that did not fit, in this order.
        var offset = extra + 4
        if size == 0xFFFF_FFFF { size = try number(offset, 8); offset += 8 }
        if packed == 0xFFFF_FFFF { packed = try number(offset, 8); offset += 8 }
        if local == 0xFFFF_FFFF { local = try number(offset, 8) }
      }
      extra += 4 + length
    }
    guard method != 0 || packed == size else {
      throw broken("the size of \(JSON.quoted(name))")
    }
    guard try number(local, 4) == 0x0403_4B50 else { throw broken("the offset of a file") }
    let start = local + 30 + (try number(local + 26, 2)) + (try number(local + 28, 2))
    guard packed <= bytes.count, start <= bytes.count - packed else {
      throw .truncated(file: file, at: bytes.count, need: 1)
    }
    let entry = Entry(
      method: method, range: start..<start + packed, byteCount: size, checksum: checksum,
      isEncrypted: flags & 1 == 1)
    guard entries.updateValue(entry, forKey: name) == nil else {
      throw broken("two files of one name, \(JSON.quoted(name))")
    }
    return end + commentCount
  }

  private func number(_ at: Int, _ width: Int) throws(FormatError) -> Int {
    guard at >= 0, at <= bytes.count - width else { throw broken("a number outside the file") }
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(bytes[at + index]) << (8 * UInt64(index)) }
    guard value <= UInt64(Int.max / 4) else { throw broken("an absurd number") }
    return Int(value)
  }

  private func text(_ at: Int, _ count: Int) throws(FormatError) -> String {
    guard at >= 0, at <= bytes.count - count else { throw broken("a name outside the file") }
    return String(decoding: bytes[at..<at + count], as: UTF8.self)
  }

  private func broken(_ what: String) -> FormatError {
    .malformedCheckpoint(file: file, reason: "as a ZIP archive it is damaged: \(what)")
  }
}
