import LanternFormats

/// Any bytes are read or refused; what is read is written and read again as the same value.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: data, count: count)
  guard let value = try? JSON.parse(bytes, file: "x") else { return 0 }
  let text = JSON.write(value)
  let again = Array(text.utf8).withUnsafeBytes { try? JSON.parse($0, file: "again") }
  // As texts, since NaN differs from itself; what is not finite is written as null.
  precondition(again.map(JSON.write) == text, "written and read again, the value differs: \(text)")
  let config = Config(value.object ?? [:], file: "x")
  for key in config.keys {
    _ = try? config.integer(key)
    _ = try? config.float(key)
    _ = try? config.perLevel(key, count: 2)
    _ = try? config.strings(key)
    _ = try? config.expect(key, [.null])
  }
  return 0
}
