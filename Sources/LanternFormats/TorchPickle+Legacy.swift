/// What `torch.save` wrote before PyTorch 1.6: pickles one after the other, of a number that marks the form, of
/// its version, of the machine, of the object and of the keys of its storages; then each storage's number of
/// elements and its bytes (`torch/serialization.py`, `_legacy_save`).
extension TorchPickle {
  /// How such a file begins: protocol 2, and the number 0x1950a86a20f9469cfc6c.
  static let legacyBeginning: [UInt8] = [
    0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]

  /// Bytes of all pickles at most: six times what ten thousand tensors take.
  static let longestLegacy = 4 << 20
  private static let legacyVersion = 1001

  /// Reads the tensors, and the bytes that each storage takes.
  ///
  /// - Throws: ``FormatError/malformedCheckpoint(file:reason:)``,
  ///   ``FormatError/truncated(file:at:need:)``.
  static func legacy(_ bytes: UnsafeRawBufferPointer, file: String) throws(FormatError) -> (
    content: Content, storages: [String: Range<Int>]
  ) {
    let pickles = UnsafeRawBufferPointer(rebasing: bytes.prefix(longestLegacy))
    var machine = TorchPickle(bytes: pickles, file: file)
    _ = try machine.run()
    guard case .integer(legacyVersion) = try machine.run() else {
      throw machine.broken("another version of the form")
    }
    let system = try machine.run()
    guard case .boolean(true)? = machine.member("little_endian", of: system) else {
      throw .malformedCheckpoint(file: file, reason: "its numbers are not little-endian")
    }
    let object = try machine.run()
    let content = try machine.content(of: object)
    guard case .list(let list) = try machine.run() else {
      throw machine.broken("no list of storages")
    }
    var (storages, position): ([String: Range<Int>], Int) = ([:], machine.position)
    for value in machine.items[list.number] {
      guard case .text(let key) = value, let claim = machine.claims[key], storages[key] == nil
      else { throw machine.broken("a storage that nothing names, or one twice") }
      guard let type = ElementType.named(inTorch: claim.type) else {
        throw .malformedCheckpoint(
          file: file, reason: "a storage is of the unknown type \(JSON.quoted(claim.type))")
      }
      guard position <= bytes.count - 8 else {
        throw .truncated(file: file, at: bytes.count, need: position + 8 - bytes.count)
      }
      let count = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      guard UInt64(littleEndian: count) == UInt64(exactly: claim.count) else {
        throw machine.broken("a storage of another size than tensors name")
      }
      position += 8
      let (size, overflow) = claim.count.multipliedReportingOverflow(by: type.bits / 8)
      guard !overflow, size <= bytes.count - position else {
        throw .truncated(
          file: file, at: bytes.count, need: overflow ? .max : size - (bytes.count - position))
      }
      storages[key] = position..<position + size
      position += size
    }
    return (content, storages)
  }
}
