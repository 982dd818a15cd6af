@testable import LanternPictures

/// What a PNG or JPEG says beside its pixels is read or refused, and texts keep their limit.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  guard let facts = try? PictureFacts(bytes, path: "x") else { return 0 }
  precondition((1...8).contains(facts.orientation))
  // Latin-1 takes two bytes in UTF-8, what is no UTF-8 three.
  let maximum = facts.metadata.entries.map { $0.key.utf8.count + $0.text.utf8.count }.max() ?? 0
  precondition(maximum <= 3 * PictureFacts.textLimit)
  return 0
}
