import LanternPlatform

extension [UInt8] {
  /// As many zeros.
  ///
  /// An array that there is no memory for ends the program, so that it is asked for beforehand.
  ///
  /// - Throws: ``PictureError/outOfMemory(byteCount:)``.
  static func zeros(_ count: Int) throws(PictureError) -> [UInt8] {
    guard count > 0 else { return [] }
    guard let room = malloc(count) else { throw .outOfMemory(byteCount: count) }
    free(room)
    return [UInt8](repeating: 0, count: count)
  }
}
