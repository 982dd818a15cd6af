internal import CLanternPictures

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// JPEG files (ITU-T T.81), by libjpeg.
enum JPEG {
  static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]

  private static let exifStart = Array("Exif\0\0".utf8)
  private static let markerLimit = 65_533
  /// The key whose text stable-diffusion-webui looks for in EXIF's comment.
  private static let parameters = "parameters"

  static func decode(_ bytes: [UInt8], _ path: String, _ orientation: inout Int)
    throws(PictureError) -> PictureFile
  {
    let outcome = bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(PictureError) in try decode(buffer, path) }
    }
    let file: PictureFile
    (file, orientation) = try outcome.get()
    return file
  }

  private static func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ path: String)
    throws(PictureError) -> (PictureFile, Int)
  {
    guard let reader = lp_jpeg_reader_open(bytes.baseAddress, bytes.count) else {
      throw .outOfMemory(byteCount: bytes.count)
    }
    defer { lp_jpeg_reader_close(reader) }
    var (width, height) = (UInt32(0), UInt32(0))
    guard lp_jpeg_reader_header(reader, &width, &height) else {
      throw .damaged(path: path, reason: String(cString: lp_jpeg_reader_message(reader)))
    }
    try PictureFile.check(width, height, path)
    let (metadata, orientation) = notes(reader)
    var pixels = [UInt8](repeating: 0, count: Int(width) * Int(height) * 3)
    let isRead = pixels.withUnsafeMutableBufferPointer {
      lp_jpeg_reader_pixels(reader, $0.baseAddress)
    }
    guard isRead else {
      throw .damaged(path: path, reason: String(cString: lp_jpeg_reader_message(reader)))
    }
    let file = PictureFile(
      width: Int(width), height: Int(height), channels: 3, pixels: pixels, metadata: metadata)
    return (file, orientation)
  }

  private static func notes(_ reader: OpaquePointer) -> (PictureMetadata, orientation: Int) {
    var metadata = PictureMetadata()
    var orientation = 1
    for index in 0..<lp_jpeg_reader_marker_count(reader) {
      let marker = lp_jpeg_reader_marker(reader, index)
      let bytes = UnsafeBufferPointer(start: marker.bytes, count: marker.count)
      if marker.code == LP_JPEG_COMMENT {
        metadata.entries.append(entry(String(decoding: bytes, as: UTF8.self)))
      } else if bytes.starts(with: exifStart) {
        let exif = Exif(UnsafeBufferPointer(rebasing: bytes.dropFirst(exifStart.count)))
        orientation = exif.orientation
        if let text = exif.userComment {
          metadata.entries.append(.init(key: parameters, text: text))
        }
      }
    }
    return (metadata, orientation)
  }

  /// A comment of ours is `key: text`; another program's is all text.
  private static func entry(_ comment: String) -> PictureMetadata.Entry {
    let scalars = comment.unicodeScalars
    if let colon = scalars.prefix(80).firstIndex(of: ":"), colon != scalars.startIndex {
      let key = scalars[..<colon]
      let rest = scalars[scalars.index(after: colon)...]
      let isWord = key.allSatisfy {
        $0.properties.isAlphabetic || "_-0123456789".unicodeScalars.contains($0)
      }
      if isWord, rest.first == " " {
        return .init(key: String(key), text: String(rest.dropFirst()))
      }
    }
    return .init(key: "comment", text: comment)
  }

  /// Encodes a picture.
  static func encode(
    _ picture: Picture, quality: Int, _ metadata: PictureMetadata, _ path: String
  ) throws(PictureError) -> [UInt8] {
    guard picture.width <= 65_500, picture.height <= 65_500,
      let (width, height) = PNG.size(picture.width, picture.height)
    else {
      throw .cannotEncode(path: path, reason: "JPEG takes at most 65,500 pixels a side; use .png")
    }
    var block: [UInt8] = []
    var places: [(code: Int32, start: Int, count: Int)] = []
    for entry in metadata.entries {
      let isParameters = entry.key == parameters
      let bytes =
        isParameters
        ? exifStart + Exif.encode(userComment: entry.text)
        : Array("\(entry.key): \(entry.text)".utf8)
      guard bytes.count <= markerLimit else {
        throw .metadata(key: entry.key, reason: "JPEG takes at most 64 KiB for a text; use .png")
      }
      places.append((isParameters ? LP_JPEG_APP1 : LP_JPEG_COMMENT, block.count, bytes.count))
      block += bytes
    }
    var buffer = lp_buffer()
    var message = [CChar](repeating: 0, count: Int(LP_MESSAGE_SIZE))
    let isWritten = block.withUnsafeBufferPointer { block in
      let markers = places.map { place in
        lp_marker(
          code: place.code, bytes: block.baseAddress.map { $0 + place.start }, count: place.count)
      }
      return lp_jpeg_write(
        picture.pixels, width, height, Int32(quality), markers, markers.count, &buffer, &message)
    }
    defer { free(buffer.bytes) }
    guard isWritten else {
      throw .cannotEncode(path: path, reason: message.withUnsafeBytes(PNG.text))
    }
    return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
  }
}
