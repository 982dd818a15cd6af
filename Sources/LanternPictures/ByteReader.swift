/// A reader of integers and ranges of bytes, nil beyond their end.
struct ByteReader {
  let bytes: UnsafeBufferPointer<UInt8>
  var isBigEndian = true

  /// The number of `size` bytes at `start`.
  func integer(_ start: Int, _ size: Int) -> Int? {
    guard let field = slice(start, size) else { return nil }
    var value = 0
    for index in field.indices {
      value = value << 8 | Int(field[isBigEndian ? index : size - 1 - index])
    }
    return value
  }

  /// `count` bytes from `start` on.
  func slice(_ start: Int, _ count: Int) -> UnsafeBufferPointer<UInt8>? {
    guard start >= 0, count >= 0, start <= bytes.count, count <= bytes.count - start else {
      return nil
    }
    return UnsafeBufferPointer(rebasing: bytes[start..<start + count])
  }

  /// What stands from `start` to the next zero, and where it goes on behind that.
  func terminated(from start: Int) -> (part: UnsafeBufferPointer<UInt8>, next: Int)? {
    guard start <= bytes.count, let end = bytes[start...].firstIndex(of: 0) else { return nil }
    return (UnsafeBufferPointer(rebasing: bytes[start..<end]), end + 1)
  }
}
