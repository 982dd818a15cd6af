import CLanternPictures
import LanternFormats
import LanternPlatform
import LanternTensor

/// A ZIP archive whose files are unpacked one by one, all together to a limit.
struct ZipFile {
  private let input: DocumentKind.Input
  private let entries: [String: ZipDirectory.Entry]
  /// Bytes that may still be unpacked.
  private var rest: Int

  init(_ input: DocumentKind.Input) throws(LibraryError) {
    self.input = input
    do {
      entries = try input.bytes.withBytes { bytes throws(FormatError) in
        try ZipDirectory(bytes, file: input.source).entries
      }
    } catch {
      if case .tensor = error { throw .format(error) }
      throw .damaged(source: input.source, reason: "it is no sound ZIP archive")
    }
    let limit = input.limits.fileCount
    guard entries.count <= limit else {
      throw .tooLarge(source: input.source, what: "it has \(entries.count) files", limit: limit)
    }
    rest = input.limits.unpackedByteCount
  }

  /// Whether there is a file of this name.
  func contains(_ name: String) -> Bool { entries[name] != nil }

  /// A file, unpacked and checked; an error where there is none.
  mutating func file(_ name: String) throws(LibraryError) -> DocumentKind.Input {
    let source = input.source
    guard let entry = entries[name] else {
      throw .damaged(source: source, reason: "it lacks \(JSON.quoted(name))")
    }
    guard !entry.isEncrypted, entry.method == 0 || entry.method == 8 else {
      throw .damaged(
        source: source,
        reason: "\(JSON.quoted(name)) is encrypted, or packed in another way than deflate")
    }
    // What is said of the size may be a lie, but one that is too large is believed.
    guard entry.byteCount <= rest else { throw tooLarge }
    let bytes = entry.method == 0 ? Array(input.bytes[entry.range]) : try inflated(entry, name)
    guard bytes.count == entry.byteCount,
      bytes.withUnsafeBufferPointer({ lp_checksum_is($0.baseAddress, $0.count, entry.checksum) })
    else { throw .damaged(source: source, reason: "\(JSON.quoted(name)) has another checksum") }
    rest -= bytes.count
    return DocumentKind.Input(bytes: bytes, source: source, limits: input.limits)
  }

  private func inflated(_ entry: ZipDirectory.Entry, _ name: String) throws(LibraryError) -> [UInt8]
  {
    var buffer = lp_buffer()
    let status = input.bytes.withUnsafeBufferPointer { bytes in
      lp_inflate_raw(
        bytes.baseAddress.map { $0 + entry.range.lowerBound }, entry.range.count, rest + 1, &buffer)
    }
    defer { free(buffer.bytes) }
    if buffer.count > rest { throw tooLarge }
    switch status {
    case LP_OK: return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    case LP_OUT_OF_MEMORY: throw .format(.tensor(.outOfMemory(byteCount: entry.byteCount)))
    default: throw .damaged(source: input.source, reason: "\(JSON.quoted(name)) does not unpack")
    }
  }

  private var tooLarge: LibraryError {
    let limit = input.limits.unpackedByteCount
    return .tooLarge(
      source: input.source, what: "it unpacks to more bytes than are read", limit: limit)
  }
}
