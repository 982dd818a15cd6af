@testable import LanternPictures

/// Any bytes are read, and a comment is no longer than they are.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let exif = Exif(UnsafeBufferPointer(start: data, count: count))
  precondition((1...8).contains(exif.orientation))
  // A stray byte becomes a replacement of three.
  precondition((exif.userComment?.utf8.count ?? 0) <= 3 * count)
  return 0
}
