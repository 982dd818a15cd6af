@testable import LanternFormats
import LanternTensor

/// Any bytes are read or refused; the tensors of a header that is read lie one behind the other, fill
/// the file, and can be had.
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
  guard let storage = try? Storage(byteCount: count) else { return 0 }
  storage.base.copyMemory(from: data, byteCount: count)
  guard let file = try? SafetensorsFile(storage, path: "x") else { return 0 }
  for name in file.names {
    _ = try? file.number(name)
    _ = try? file.tensor(name)?.floats()
  }
  return 0
}
