@testable import LanternFormats

/// Any bytes are read or refused; the tensors of a header that is read lie one behind the other and
/// fill the file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: data, count: count)
  guard let header = try? SafetensorsHeader(bytes, file: "x") else { return 0 }
  var end: Int?
  for name in header.names {
    guard let entry = header.entries[name] else { preconditionFailure("\(name) has no place") }
    let range = entry.begin..<entry.end
    precondition(range.lowerBound >= 8 && range.upperBound <= count, "\(name) lies outside")
    precondition(end == nil || end == range.lowerBound, "\(name) leaves a hole or overlaps")
    end = range.upperBound
  }
  precondition(end == nil || end == count, "the tensors do not fill the file")
  return 0
}
