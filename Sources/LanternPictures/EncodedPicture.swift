import LanternPlatform
internal import CLanternPictures
internal import LanternFormats

/// The bytes of an encoded picture, in a buffer from `malloc`.
struct EncodedPicture: ~Copyable {
  private let buffer: lp_buffer

  /// Owns a buffer from `malloc`.
  init(_ buffer: lp_buffer) { self.buffer = buffer }

  deinit { free(buffer.bytes) }

  /// The bytes, in an array of their own.
  ///
  /// - Throws: ``PictureError/outOfMemory(byteCount:)``.
  borrowing func array() throws(PictureError) -> [UInt8] {
    var bytes = try [UInt8].zeros(buffer.count)
    bytes.withUnsafeMutableBytes { target in
      target.copyMemory(from: UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count))
    }
    return bytes
  }

  /// Writes the bytes as a file, whole or not at all.
  ///
  /// - Throws: ``PictureError/file(_:)``.
  borrowing func write(to path: String, _ mode: AtomicFile.Mode) throws(PictureError) {
    let bytes = UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count)
    do {
      try AtomicFile.write(to: path, mode) { writer throws(FormatError) in
        try writer.write(bytes)
      }
    } catch {
      throw .file(error)
    }
  }
}
