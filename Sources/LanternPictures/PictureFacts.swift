/// The metadata of a picture file, found before they are unpacked and within bounds: `texts`
/// together have a limit, whatever they were packed as.
struct PictureFacts {
  private(set) var metadata = PictureMetadata()
  /// EXIF's number, 1 (upright) to 8.
  var orientation = 1
  /// Notes on what is ignored.
  var notes: [String] = []

  /// How many more bytes of texts are taken.
  private(set) var room = PictureFacts.textLimit

  /// The most bytes of all texts together, unpacked.
  static let textLimit = 16 << 20
  /// Overhead of a text in addition to its bytes.
  private static let overhead = 256

  /// Takes from the room what was unpacked in vain.
  mutating func waste(_ count: Int) { room = max(0, room - count - Self.overhead) }

  /// Adds a text; one that does not fit is noted, once.
  mutating func add(_ key: String, _ text: @autoclosure () -> String, byteCount: Int) {
    guard byteCount + Self.overhead <= room else {
      return refuseText()
    }
    room -= byteCount + Self.overhead
    metadata.entries.append(.init(key: key, text: text()))
  }

  /// Says that a text was too long, and takes no more.
  mutating func refuseText() {
    room = 0
    let note = "texts beyond \(Self.textLimit >> 20) MiB are left out"
    if !notes.contains(note) { notes.append(note) }
  }

  /// Says that colours are taken as they are.
  mutating func add(profile: String) {
    notes.append("its colour profile (\(profile)) is not applied: colours are taken as sRGB's")
  }
}

extension PictureFacts {
  /// Reads the metadata of a PNG or JPEG file.
  ///
  /// - Throws: ``PictureError`` where it is neither, or damaged.
  init(_ bytes: [UInt8], path: String) throws(PictureError) {
    let format = PictureFormat(bytes)
    self = try bytes.withUnsafeBufferPointer { bytes throws(PictureError) in
      switch format {
      case .png: try PNGChunks(bytes, path).facts
      case .jpeg: try JPEGSegments(bytes, path).facts
      case .other(let kind): throw .unknownFormat(path: path, kind: kind)
      }
    }
  }
}

extension String {
  /// A text of unknown encoding: UTF-8 where it is that, else Latin-1.
  init(utf8OrLatin1 bytes: some Collection<UInt8>) {
    self = String(validating: bytes, as: UTF8.self) ?? String(latin1: bytes)
  }
}
