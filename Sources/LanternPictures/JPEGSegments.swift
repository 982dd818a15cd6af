/// The segments of a JPEG file before its pixels, walked over before libjpeg reads them: comments, EXIF
/// data and the colour profile. libjpeg passes them over.
struct JPEGSegments {
  private(set) var facts = PictureFacts()

  private static let exifStart = Array("Exif\0\0".utf8)
  private static let profileStart = Array("ICC_PROFILE\0".utf8)

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ path: String) throws(PictureError) {
    let file = ByteReader(bytes: bytes)
    var (hasExif, hasProfile) = (false, false)
    // Behind the first marker, which has no length.
    var position = 2
    while let marker = file.integer(position, 2) {
      // Between segments libjpeg looks for the next 0xFF, and any number of them may lead a marker.
      guard marker > 0xFF00, marker != 0xFFFF else {
        position += 1
        continue
      }
      if marker == 0xFF01 || (0xFFD0...0xFFD8).contains(marker) {
        position += 2
        continue
      }
      // The pixels begin, or it ends.
      if marker == 0xFFDA || marker == 0xFFD9 { return }
      guard let count = file.integer(position + 2, 2), count >= 2,
        let data = file.slice(position + 4, count - 2)
      else {
        throw .damaged(
          path: path, reason: "a segment at byte \(position) claims more than is left of the file")
      }
      position += 2 + count
      switch marker {
      case 0xFFFE:
        guard facts.room > 0 else {
          facts.refuseText()
          continue
        }
        let (key, text) = Self.entry(String(utf8OrLatin1: data))
        facts.add(key, text, byteCount: data.count)
      case 0xFFE1 where !hasExif && data.starts(with: Self.exifStart):
        hasExif = true
        let exif = Exif(UnsafeBufferPointer(rebasing: data.dropFirst(Self.exifStart.count)))
        facts.orientation = exif.orientation
        if let text = exif.userComment {
          facts.add(JPEG.parameters, text, byteCount: text.utf8.count)
        }
      case 0xFFE2 where !hasProfile && data.starts(with: Self.profileStart):
        hasProfile = true
        // Its number and their count stand before it; its description is in the first.
        let profile = UnsafeBufferPointer(rebasing: data.dropFirst(Self.profileStart.count + 2))
        if let other = ColourProfile.other(inICC: profile, name: "unnamed") {
          facts.add(profile: other)
        }
      default: break
      }
    }
  }

  /// A comment of ours is `key: text`; another program's is all text.
  private static func entry(_ comment: String) -> (key: String, text: String) {
    let scalars = comment.unicodeScalars
    if let colon = scalars.prefix(80).firstIndex(of: ":"), colon != scalars.startIndex {
      let key = scalars[..<colon]
      let rest = scalars[scalars.index(after: colon)...]
      let isWord = key.allSatisfy {
        $0.properties.isAlphabetic || "_-0123456789".unicodeScalars.contains($0)
      }
      if isWord, rest.first == " " { return (String(key), String(rest.dropFirst())) }
    }
    return ("comment", comment)
  }
}
