import LanternPlatform
internal import CLanternPictures

/// The chunks of a PNG file, walked over before libpng reads them: none may claim more than is left
/// of the file, for libpng takes memory for what is claimed. Texts, EXIF data and colour profiles are
/// read here; libpng passes them over.
struct PNGChunks {
  private(set) var facts = PictureFacts()
  /// Bytes of packed pixels.
  private(set) var pixelByteCount = 0
  private var gamma: Int?
  private var primaries: [Int]?
  /// A profile that is named, rather than gamma and primaries; nil inside for sRGB.
  private var profile: String??

  /// A packed byte unpacks to at most so many.
  static let mostUnpacked = 1032

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ path: String) throws(PictureError) {
    let file = ByteReader(bytes: bytes)
    var hasExif = false
    var position = PNG.signature.count
    while true {
      guard let count = file.integer(position, 4), let type = file.integer(position + 4, 4) else {
        throw .damaged(path: path, reason: "it ends before its end")
      }
      guard let data = file.slice(position + 8, count),
        let checksum = file.integer(position + 8 + count, 4)
      else {
        throw .damaged(
          path: path, reason: "a chunk at byte \(position) claims more than is left of the file")
      }
      switch Kind(rawValue: type) {
      case .end:
        finish()
        return
      case .pixels: pixelByteCount += count
      case .exif where !hasExif && isSound(data, checksum):
        hasExif = true
        facts.orientation = Exif(data).orientation
      case let kind? where isSound(data, checksum): try read(kind, data)
      default: break
      }
      position += 12 + count
    }
  }

  private enum Kind: Int {
    case end = 0x4945_4E44
    case pixels = 0x4944_4154
    case text = 0x7445_5874
    case packedText = 0x7A54_5874
    case unicodeText = 0x6954_5874
    case exif = 0x6558_4966
    case profile = 0x6943_4350
    case sRGB = 0x7352_4742
    case codePoints = 0x6349_4350
    case gamma = 0x6741_4D41
    case primaries = 0x6348_524D
    case animation = 0x6163_544C
  }

  private func isSound(
    _ data: UnsafeBufferPointer<UInt8>, _ checksum: Int
  ) -> Bool {
    // The type stands in the four bytes before.
    guard let base = data.baseAddress else { return true }
    return lp_checksum_is(base - 4, data.count + 4, UInt32(truncatingIfNeeded: checksum))
  }

  private mutating func read(_ kind: Kind, _ data: UnsafeBufferPointer<UInt8>)
    throws(PictureError)
  {
    let reader = ByteReader(bytes: data)
    switch kind {
    case .text, .packedText, .unicodeText: try readText(kind, reader)
    case .profile:
      guard profile == nil, let (name, next) = reader.terminated(from: 0) else { return }
      let packed = UnsafeBufferPointer(rebasing: data.dropFirst(next + 1))
      let title = ColourProfile.shown(name) ?? "unnamed"
      // Its description stands near its beginning.
      profile = try Self.unpacked(packed, limit: 1 << 16) { bytes, _ in
        ColourProfile.other(inICC: bytes, name: title)
      }
    case .sRGB: if profile == nil { profile = .some(nil) }
    case .codePoints:
      guard data.count == 4 else { return }
      profile = data[0] == 1 && data[1] == 13 ? .some(nil) : "cICP \(data[0])/\(data[1])"
    case .gamma: gamma = reader.integer(0, 4)
    case .primaries: primaries = (0..<8).compactMap { reader.integer(4 * $0, 4) }
    case .animation: facts.notes.append("of its animation the first picture is taken")
    case .end, .pixels, .exif: break
    }
  }

  private mutating func finish() {
    let other = profile ?? ColourProfile.other(gamma: gamma, primaries: primaries)
    if let other { facts.add(profile: other) }
  }

  private mutating func readText(_ kind: Kind, _ reader: ByteReader) throws(PictureError) {
    guard facts.room > 0 else { return facts.refuseText() }
    guard let (key, next) = reader.terminated(from: 0), (1...79).contains(key.count) else { return }
    var start = next
    var isPacked = kind == .packedText
    if kind == .packedText {
      guard reader.integer(next, 1) == 0 else { return }
      start = next + 1
    } else if kind == .unicodeText {
      guard let flag = reader.integer(next, 1), reader.integer(next + 1, 1) == 0,
        let (_, middle) = reader.terminated(from: next + 2),
        let (_, end) = reader.terminated(from: middle)
      else { return }
      isPacked = flag == 1
      start = end
    }
    guard let rest = reader.slice(start, reader.bytes.count - start) else { return }
    let name = String(latin1: key)
    func add(_ bytes: UnsafeBufferPointer<UInt8>) {
      let text = UnsafeBufferPointer(rebasing: bytes.prefix { $0 != 0 })
      facts.add(
        name,
        kind == .unicodeText
          ? String(decoding: text, as: UTF8.self) : String(utf8OrLatin1: text),
        byteCount: key.count + text.count)
    }
    guard isPacked else { return add(rest) }
    let limit = facts.room
    try Self.unpacked(rest, limit: limit) { bytes, isWhole in
      if isWhole {
        add(bytes)
      } else if bytes.count == limit {
        facts.refuseText()
      } else {
        facts.waste(bytes.count)
      }
    }
  }

  /// Runs `body` with what a zlib stream unpacks to, and whether that is all of it.
  private static func unpacked<Value>(
    _ packed: UnsafeBufferPointer<UInt8>, limit: Int,
    _ body: (_ bytes: UnsafeBufferPointer<UInt8>, _ isWhole: Bool) -> Value
  ) throws(PictureError) -> Value {
    var buffer = lp_buffer()
    let status = lp_inflate(packed.baseAddress, packed.count, limit, &buffer)
    defer { free(buffer.bytes) }
    guard status != LP_OUT_OF_MEMORY else { throw .outOfMemory(byteCount: limit) }
    return body(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count), status == LP_OK)
  }
}
