import LanternPictures

/// Any bytes are read or refused, and what is read has as many bytes as it should.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  if isHuge(bytes) { return 0 }
  guard let picture = try? Picture(bytes, path: "x") else { return 0 }
  precondition(picture.pixels.count == 3 * picture.width * picture.height)
  return 0
}

/// Whether a size in the file is above a million pixels: allowed, but too slow to try many of.
private func isHuge(_ bytes: [UInt8]) -> Bool {
  func number(_ start: Int, _ size: Int) -> Double {
    bytes[start..<start + size].reduce(0) { $0 * 256 + Double($1) }
  }
  if bytes.first == 0x89 { return bytes.count >= 24 && number(16, 4) * number(20, 4) > 1e6 }
  for start in bytes.indices.dropLast(9) where bytes[start] == 0xFF {
    let isFrame = bytes[start + 1] & 0xF0 == 0xC0
    if isFrame, number(start + 5, 2) * number(start + 7, 2) > 1e6 { return true }
  }
  return false
}
