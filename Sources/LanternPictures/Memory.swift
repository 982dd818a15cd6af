import LanternPlatform

extension [UInt8] {
  /// As many zeros.
  ///
  /// An array whose allocation fails ends the program, so memory is checked before.
  ///
  /// - Throws: ``PictureError/outOfMemory(byteCount:)``.
  static func zeros(_ count: Int) throws(PictureError) -> [UInt8] {
    guard count > 0 else { return [] }
    guard let room = malloc(count) else { throw .outOfMemory(byteCount: count) }
    free(room)
    return [UInt8](repeating: 0, count: count)
  }
}
