internal import CLanternPictures

extension [UInt8] {
  /// As many zeros.
  ///
  /// An array whose allocation fails ends the program, so memory is checked before.
  ///
  /// - Throws: ``PictureError/outOfMemory(byteCount:)``.
  static func zeros(_ count: Int) throws(PictureError) -> [UInt8] {
    guard count > 0 else { return [] }
    guard lp_has_memory(count) else { throw .outOfMemory(byteCount: count) }
    return [UInt8](repeating: 0, count: count)
  }
}
