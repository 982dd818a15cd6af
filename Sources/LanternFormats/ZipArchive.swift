/// A ZIP archive that is being written, its files as they are (PKWARE's APPNOTE.TXT 6.3.10, method 0): what it holds, as
/// pictures, is packed already. Of the same files come the same bytes.
package struct ZipArchive {
  private var body: [UInt8] = []
  private var directory: [UInt8] = []
  private var count = 0

  /// An archive without files.
  package init() {}

  /// Bytes of an archive at most: 4 GiB less the directory, as the form without ZIP64 has room for.
  private static let sizeLimit = 0xF000_0000
  /// 1 January 1980, the first day that there is: no clock shows in the bytes.
  private static let date = 0x21

  /// Adds a file.
  ///
  /// - Parameters:
  ///   - name: with "/" between folders.
  ///   - bytes: what it holds.
  ///   - path: what errors call the archive.
  /// - Throws: ``FormatError/tooLarge(path:byteCount:limit:)`` for an archive of more than 4 GiB or 65,535 files.
  package mutating func add(_ name: String, _ bytes: [UInt8], path: String) throws(FormatError) {
    let name = Array(name.utf8)
    let size = body.count + directory.count + bytes.count + 2 * name.count + 128
    guard size <= Self.sizeLimit, count < 0xFFFF, name.count < 0xFFFF else {
      throw .tooLarge(path: path, byteCount: size, limit: Self.sizeLimit)
    }
    let start = body.count
    // Names are UTF-8: bit 11.
    let shared =
      Self.integers((2, 0x800), (2, 0), (2, 0), (2, Self.date))
      + Self.integers(
        (4, Int(CRC32.checksum(bytes))), (4, bytes.count), (4, bytes.count), (2, name.count), (2, 0)
      )
    body += Self.integers((4, 0x0403_4B50), (2, 10)) + shared + name + bytes
    directory +=
      Self.integers((4, 0x0201_4B50), (2, 10), (2, 10)) + shared
      + Self.integers((2, 0), (2, 0), (2, 0), (4, 0), (4, start)) + name
    count += 1
  }

  /// The archive.
  package var bytes: [UInt8] {
    body + directory
      + Self.integers(
        (4, 0x0605_4B50), (2, 0), (2, 0), (2, count), (2, count), (4, directory.count),
        (4, body.count), (2, 0))
  }

  /// Integers, least byte first.
  private static func integers(_ all: (count: Int, value: Int)...) -> [UInt8] {
    all.flatMap { field in
      (0..<field.count).map { UInt8(truncatingIfNeeded: field.value >> (8 * $0)) }
    }
  }
}
