/// The two facts Lantern wants of EXIF data (CIPA DC-008): how the camera was held, and the comment
/// in which stable-diffusion-webui keeps its parameters.
struct Exif {
  /// EXIF's number, 1 (upright) to 8.
  private(set) var orientation = 1
  private(set) var userComment: String?

  private static let orientationTag = 0x0112
  private static let exifFolderTag = 0x8769
  private static let userCommentTag = 0x9286

  /// Reads what it can of TIFF-like bytes; what is damaged is as if it were not there.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    let reader = Reader(bytes: bytes)
    guard let reader, let first = reader.integer(4, 4) else { return }
    reader.forEachField(at: first) { tag, _, count, place in
      if tag == Self.orientationTag, let value = reader.integer(place, 2), (1...8).contains(value) {
        orientation = value
      }
      if tag == Self.exifFolderTag, let folder = reader.integer(place, 4) {
        reader.forEachField(at: folder) { tag, _, count, place in
          if tag == Self.userCommentTag, count > 4, let start = reader.integer(place, 4),
            let comment = reader.slice(start, count)
          {
            userComment = reader.comment(comment)
          }
        }
      }
    }
  }

  /// EXIF data with a comment alone, as piexif writes it: big-endian, UTF-16.
  static func encode(userComment: String) -> [UInt8] {
    let text = userComment.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    let comment = Array("UNICODE\0".utf8) + text
    let start: [UInt8] = Array("MM".utf8) + [0, 42, 0, 0, 0, 8]
    let count = withUnsafeBytes(of: UInt32(comment.count).bigEndian) { Array($0) }
    // At 8 a folder of one field, which points to the next at 26; there the comment's place, 44.
    let folder: [UInt8] = [0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0]
    let inner: [UInt8] = [0, 1, 0x92, 0x86, 0, 7] + count + [0, 0, 0, 44, 0, 0, 0, 0]
    return start + folder + inner + comment
  }

  private struct Reader {
    let bytes: UnsafeBufferPointer<UInt8>
    let isBigEndian: Bool

    init?(bytes: UnsafeBufferPointer<UInt8>) {
      guard bytes.count >= 8, bytes[0] == bytes[1],
        bytes[0] == UInt8(ascii: "M") || bytes[0] == UInt8(ascii: "I")
      else { return nil }
      self.bytes = bytes
      self.isBigEndian = bytes[0] == UInt8(ascii: "M")
      guard integer(2, 2) == 42 else { return nil }
    }

    func slice(_ start: Int, _ count: Int) -> Slice<UnsafeBufferPointer<UInt8>>? {
      guard start >= 0, count >= 0, start <= bytes.count, count <= bytes.count - start else {
        return nil
      }
      return bytes[start..<start + count]
    }

    func integer(_ start: Int, _ size: Int) -> Int? {
      guard let field = slice(start, size) else { return nil }
      let ordered = isBigEndian ? Array(field) : Array(field.reversed())
      return ordered.reduce(0) { $0 << 8 | Int($1) }
    }

    func forEachField(
      at start: Int, _ body: (_ tag: Int, _ type: Int, _ count: Int, _ place: Int) -> Void
    ) {
      guard let count = integer(start, 2) else { return }
      for field in 0..<count {
        let place = start + 2 + 12 * field
        guard let tag = integer(place, 2), let type = integer(place + 2, 2),
          let count = integer(place + 4, 4), slice(place + 8, 4) != nil
        else { return }
        body(tag, type, count, place + 8)
      }
    }

    func comment(_ field: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
      let text = field.dropFirst(8)
      if field.starts(with: "UNICODE\0".utf8) {
        let bytes = Array(text)
        let pairs = stride(from: 0, to: bytes.count - 1, by: 2).map { (bytes[$0], bytes[$0 + 1]) }
        // Programs disagree on whose byte order counts here. Most letters have a zero for high byte.
        let (highFirst, lowFirst) = pairs.reduce((0, 0)) { zeros, pair in
          (zeros.0 + (pair.0 == 0 ? 1 : 0), zeros.1 + (pair.1 == 0 ? 1 : 0))
        }
        let isHighFirst = highFirst == lowFirst ? isBigEndian : highFirst > lowFirst
        let units = pairs.map { pair in
          isHighFirst
            ? UInt16(pair.0) << 8 | UInt16(pair.1) : UInt16(pair.1) << 8 | UInt16(pair.0)
        }
        return String(decoding: units, as: UTF16.self)
      }
      if field.starts(with: "ASCII\0\0\0".utf8) { return String(decoding: text, as: UTF8.self) }
      return nil
    }
  }
}
