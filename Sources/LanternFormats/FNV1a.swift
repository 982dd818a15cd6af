/// FNV-1a of 64 bits (Fowler, Noll & Vo), by words of 8 bytes: tells data apart that nobody made alike on purpose.
package struct FNV1a: Sendable {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  /// Of no byte so far.
  package init() {}

  /// Adds bytes; those that fill no word are added one by one.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count & ~7
    for start in stride(from: 0, to: whole, by: 8) {
      mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)))
    }
    for byte in bytes[whole...] { mix(UInt64(byte)) }
  }

  /// Adds a text.
  package mutating func update(_ text: String) {
    var text = text
    text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
  }

  private mutating func mix(_ word: UInt64) { state = (state ^ word) &* 0x100_0000_01b3 }

  /// The hash in hexadecimal.
  package var hex: String { String(state, radix: 16) }
}
