/// The two fields of EXIF data (CIPA DC-008) that Lantern reads: the orientation, and the comment
/// in which stable-diffusion-webui keeps its parameters.
struct Exif {
  /// The orientation, 1 (upright) to 8.
  private(set) var orientation = 1
  private(set) var userComment: String?

  private static let orientationTag = 0x0112
  private static let exifFolderTag = 0x8769
  private static let userCommentTag = 0x9286
  /// No honest folder has more; a damaged one may claim 65,535.
  private static let fieldLimit = 512

  /// Reads what it can of TIFF-like bytes; what is damaged is as if it were not there. Of a tag that
  /// comes again only the first counts, and only one folder is followed.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let reader = Self.reader(bytes), let start = reader.integer(4, 4) else { return }
    let first = Self.fields(reader, at: start)
    if let field = first[Self.orientationTag],
      let value = reader.integer(field.offset, field.type == 4 ? 4 : 2), (1...8).contains(value)
    {
      orientation = value
    }
    if let folder = first[Self.exifFolderTag], let start = reader.integer(folder.offset, 4),
      let field = Self.fields(reader, at: start)[Self.userCommentTag], field.count > 4,
      let start = reader.integer(field.offset, 4), let comment = reader.slice(start, field.count)
    {
      userComment = Self.text(comment, reader.isBigEndian)
    }
  }

  private static func reader(_ bytes: UnsafeBufferPointer<UInt8>) -> ByteReader? {
    guard bytes.count >= 8, bytes[0] == bytes[1],
      bytes[0] == UInt8(ascii: "M") || bytes[0] == UInt8(ascii: "I")
    else { return nil }
    let reader = ByteReader(bytes: bytes, isBigEndian: bytes[0] == UInt8(ascii: "M"))
    return reader.integer(2, 2) == 42 ? reader : nil
  }

  private static func fields(_ reader: ByteReader, at start: Int) -> [Int: (
    type: Int, count: Int, offset: Int
  )] {
    var fields: [Int: (type: Int, count: Int, offset: Int)] = [:]
    for index in 0..<min(reader.integer(start, 2) ?? 0, fieldLimit) {
      let offset = start + 2 + 12 * index
      guard let tag = reader.integer(offset, 2), let type = reader.integer(offset + 2, 2),
        let count = reader.integer(offset + 4, 4), reader.slice(offset + 8, 4) != nil
      else { break }
      if fields[tag] == nil { fields[tag] = (type, count, offset + 8) }
    }
    return fields
  }

  /// EXIF data with a comment alone, as piexif writes it: big-endian, UTF-16.
  static func encode(userComment: String) -> [UInt8] {
    let text = userComment.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    let comment = Array("UNICODE\0".utf8) + text
    let start: [UInt8] = Array("MM".utf8) + [0, 42, 0, 0, 0, 8]
    let count = withUnsafeBytes(of: UInt32(comment.count).bigEndian) { Array($0) }
    // At 8 a folder of one field, which points to the next at 26; there the comment's offset, 44.
    let folder: [UInt8] = [0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0]
    let inner: [UInt8] = [0, 1, 0x92, 0x86, 0, 7] + count + [0, 0, 0, 44, 0, 0, 0, 0]
    return start + folder + inner + comment
  }

  private static func text(_ field: UnsafeBufferPointer<UInt8>, _ isBigEndian: Bool) -> String? {
    let text = field.dropFirst(8)
    if field.starts(with: "ASCII\0\0\0".utf8) { return String(decoding: text, as: UTF8.self) }
    guard field.starts(with: "UNICODE\0".utf8) else { return nil }
    let pairs = stride(from: text.startIndex, to: text.endIndex - 1, by: 2)
    // Programs disagree on whose byte order counts here. Most letters have a zero for high byte.
    var (highFirst, lowFirst) = (0, 0)
    for index in pairs {
      highFirst += text[index] == 0 ? 1 : 0
      lowFirst += text[index + 1] == 0 ? 1 : 0
    }
    let isHighFirst = highFirst == lowFirst ? isBigEndian : highFirst > lowFirst
    let units = pairs.lazy.map { index in
      let (first, second) = (UInt16(text[index]), UInt16(text[index + 1]))
      return isHighFirst ? first << 8 | second : second << 8 | first
    }
    return String(decoding: Array(units), as: UTF16.self)
  }
}
