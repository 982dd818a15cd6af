@testable import LanternFormats
import LanternTensor

/// Any bytes are read or refused; every tensor of a checkpoint that is read can be had, of the shape
/// and type that are claimed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0, let storage = try? Storage(byteCount: count) else { return 0 }
  storage.base.copyMemory(from: data, byteCount: count)
  guard let file = try? TorchFile(storage, path: "x") else { return 0 }
  for name in file.names {
    guard let info = file.info(name) else { preconditionFailure("\(name) has no place") }
    _ = try? file.number(name)
    // A tensor without elements may claim what shape it likes; one with strides of 0 many elements.
    guard (try? info.shape.checkedElementCount()).map({ $0 <= 1 << 20 }) ?? false else { continue }
    guard let tensor = try? file.tensor(name) else { continue }
    precondition(tensor.shape == info.shape, "\(name) has another shape")
    _ = try? tensor.floats()
  }
  return 0
}
