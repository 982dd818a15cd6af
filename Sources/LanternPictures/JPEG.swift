internal import CLanternPictures

/// JPEG files (ITU-T T.81), by libjpeg.
enum JPEG {
  static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]

  private static let exifStart = Array("Exif\0\0".utf8)
  private static let markerLimit = 65_533
  /// The key whose text stable-diffusion-webui looks for in EXIF's comment.
  static let parameters = "parameters"

  static func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ path: String) throws(PictureError)
    -> PictureFile
  {
    let facts = try JPEGSegments(bytes, path).facts
    guard let reader = lp_jpeg_reader_open(bytes.baseAddress, bytes.count) else {
      throw .outOfMemory(byteCount: bytes.count)
    }
    defer { lp_jpeg_reader_close(reader) }
    var (width, height) = (UInt32(0), UInt32(0))
    func check(_ status: lp_status) throws(PictureError) {
      switch status {
      case LP_OK: break
      case LP_OUT_OF_MEMORY: throw .outOfMemory(byteCount: 6 * Int(width) * Int(height))
      default:
        throw .damaged(path: path, reason: String(cString: lp_jpeg_reader_message(reader)))
      }
    }
    try check(lp_jpeg_reader_header(reader, &width, &height))
    try PictureFile.check(width, height, path)
    var pixels = try [UInt8].zeros(Int(width) * Int(height) * 3)
    try check(
      pixels.withUnsafeMutableBufferPointer { lp_jpeg_reader_pixels(reader, $0.baseAddress) })
    return PictureFile(
      width: Int(width), height: Int(height), channels: 3, pixels: pixels, facts: facts)
  }

  /// Encodes a picture.
  static func encode(
    _ picture: Picture, quality: Int, _ metadata: PictureMetadata, _ path: String
  ) throws(PictureError) -> EncodedPicture {
    guard picture.width <= 65_500, picture.height <= 65_500,
      let (width, height) = PNG.size(picture.width, picture.height)
    else {
      throw .cannotEncode(path: path, reason: "JPEG takes at most 65,500 pixels a side; use .png")
    }
    var block: [UInt8] = []
    var offsets: [(code: Int32, start: Int, count: Int)] = []
    for entry in metadata.entries {
      let isParameters = entry.key == parameters
      let bytes =
        isParameters
        ? exifStart + Exif.encode(userComment: entry.text)
        : Array("\(entry.key): \(entry.text)".utf8)
      guard bytes.count <= markerLimit else {
        throw .metadata(key: entry.key, reason: "JPEG takes at most 64 KiB for a text; use .png")
      }
      offsets.append((isParameters ? LP_JPEG_APP1 : LP_JPEG_COMMENT, block.count, bytes.count))
      block += bytes
    }
    var buffer = lp_buffer()
    var message = [CChar](repeating: 0, count: Int(LP_MESSAGE_SIZE))
    let status = block.withUnsafeBufferPointer { block in
      let markers = offsets.map { offset in
        lp_marker(
          code: offset.code, bytes: block.baseAddress.map { $0 + offset.start }, count: offset.count
        )
      }
      return lp_jpeg_write(
        picture.pixels, width, height, Int32(quality), markers, markers.count, &buffer, &message)
    }
    switch status {
    case LP_OK: return EncodedPicture(buffer)
    case LP_OUT_OF_MEMORY: throw .outOfMemory(byteCount: 6 * picture.pixels.count)
    default: throw .cannotEncode(path: path, reason: message.withUnsafeBytes(PNG.text))
    }
  }
}
