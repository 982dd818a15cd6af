@testable import LanternFormats
import LanternTensor

/// Any bytes are read or refused; the tensors of a header that is read lie in the file and can be had, and so
/// can its values.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0, let storage = try? Storage(byteCount: count) else { return 0 }
  storage.base.copyMemory(from: data, byteCount: count)
  guard let header = try? GGUFHeader(storage, file: "x"), let file = try? GGUFFile(storage, path: "x")
  else { return 0 }
  for name in header.names {
    guard let entry = header.entries[name] else { preconditionFailure("\(name) has no place") }
    precondition(entry.begin >= 0 && entry.begin + entry.byteCount <= count, "\(name) lies outside")
    _ = try? file.tensor(name)?.floats()
  }
  for value in file.values.values {
    guard let array = value.array else { continue }
    precondition(array.strings.map { $0.count == array.count } ?? true, "texts are lost")
    precondition(array.numbers.map { $0.count == array.count } ?? true, "numbers are lost")
  }
  return 0
}
