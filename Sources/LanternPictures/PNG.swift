internal import CLanternPictures

/// PNG files (ISO/IEC 15948), by libpng.
enum PNG {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ path: String) throws(PictureError)
    -> PictureFile
  {
    let chunks = try PNGChunks(bytes, path)
    guard let reader = lp_png_reader_open(bytes.baseAddress, bytes.count) else {
      throw .outOfMemory(byteCount: bytes.count)
    }
    defer { lp_png_reader_close(reader) }
    var (width, height, channels) = (UInt32(0), UInt32(0), Int32(0))
    func check(_ status: lp_status) throws(PictureError) {
      switch status {
      case LP_OK: break
      case LP_OUT_OF_MEMORY: throw .outOfMemory(byteCount: bytes.count)
      default:
        throw .damaged(path: path, reason: String(cString: lp_png_reader_message(reader)))
      }
    }
    try check(lp_png_reader_header(reader, &width, &height, &channels))
    try PictureFile.check(width, height, path)
    let area = Int(width) * Int(height)
    // A bit a pixel is the least there is.
    guard area / 8 <= chunks.pixelByteCount * PNGChunks.mostUnpacked else {
      throw .damaged(path: path, reason: "it is too short for \(width)×\(height) pixels")
    }
    var pixels = try [UInt8].zeros(area * Int(channels))
    try check(
      pixels.withUnsafeMutableBufferPointer { lp_png_reader_pixels(reader, $0.baseAddress) })
    return PictureFile(
      width: Int(width), height: Int(height), channels: Int(channels), pixels: pixels,
      facts: chunks.facts)
  }

  /// Encodes `[height, width, channels]` bytes.
  static func encode(
    _ pixels: [UInt8], _ width: Int, _ height: Int, channels: Int, _ metadata: PictureMetadata,
    _ path: String
  ) throws(PictureError) -> EncodedPicture {
    // One block for all keys and texts, each ended by a zero, so that pointers into it stay valid.
    var block: [CChar] = []
    var offsets: [(key: Int, text: Int, count: Int, isUTF8: Bool)] = []
    for entry in metadata.entries {
      let key = try checkedKey(entry.key)
      guard !entry.text.utf8.contains(0) else {
        throw .metadata(key: entry.key, reason: "a text cannot hold a zero byte")
      }
      // What would be read as UTF-8 is no plain Latin-1.
      let latin1 = isPlain(entry.text) ? entry.text.latin1 : nil
      let plain = latin1.flatMap { String(utf8OrLatin1: $0) == entry.text ? $0 : nil }
      let text = plain ?? Array(entry.text.utf8)
      offsets.append((block.count, block.count + key.count + 1, text.count, plain == nil))
      block += (key + [0] + text + [0]).map { CChar(bitPattern: $0) }
    }
    var buffer = lp_buffer()
    var message = [CChar](repeating: 0, count: Int(LP_MESSAGE_SIZE))
    guard let (wide, high) = Self.size(width, height) else {
      throw .tooLarge(path: path, width: width, height: height)
    }
    let status = block.withUnsafeBufferPointer { block in
      let texts = offsets.map { offset in
        lp_text(
          key: block.baseAddress.map { $0 + offset.key },
          bytes: block.baseAddress.map { $0 + offset.text }, count: offset.count,
          is_utf8: offset.isUTF8)
      }
      return lp_png_write(
        pixels, wide, high, Int32(channels), texts, texts.count, &buffer, &message)
    }
    switch status {
    case LP_OK: return EncodedPicture(buffer)
    case LP_OUT_OF_MEMORY: throw .outOfMemory(byteCount: pixels.count)
    default: throw .cannotEncode(path: path, reason: message.withUnsafeBytes(Self.text))
    }
  }

  static func size(_ width: Int, _ height: Int) -> (UInt32, UInt32)? {
    guard let wide = UInt32(exactly: width), let high = UInt32(exactly: height) else { return nil }
    return (wide, high)
  }

  static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Whether a text may be a tEXt chunk: printable Latin-1 and ends of lines.
  private static func isPlain(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 0x0A, 0x20...0x7E, 0xA0...0xFF: true
      default: false
      }
    }
  }

  private static func checkedKey(_ key: String) throws(PictureError) -> [UInt8] {
    let spaced = key.hasPrefix(" ") || key.hasSuffix(" ") || key.contains("  ")
    guard let bytes = key.latin1, (1...79).contains(bytes.count), !spaced,
      bytes.allSatisfy({ (0x20...0x7E).contains($0) || $0 > 0xA0 })
    else {
      throw .metadata(
        key: key, reason: "a key has 1 to 79 Latin-1 letters, no spaces at its ends or side by side"
      )
    }
    return bytes
  }
}
