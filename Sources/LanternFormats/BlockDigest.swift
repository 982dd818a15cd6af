/// A digest that mixes 64 bytes at a time into a state (FIPS 180-4).
package protocol BlockDigest {
  /// The state before the first byte.
  static var initial: [UInt32] { get }

  /// Mixes a block into the state.
  ///
  /// - Parameters:
  ///   - words: room for 80; the first 16 are the block's, big-endian.
  ///   - state: what is changed.
  static func mix(
    _ words: UnsafeMutableBufferPointer<UInt32>, _ state: UnsafeMutableBufferPointer<UInt32>)
}

extension BlockDigest {
  /// The digest of bytes, in hexadecimal.
  package static func hex(of bytes: [UInt8]) -> String {
    var digest = RunningDigest<Self>()
    bytes.withUnsafeBytes { digest.update($0) }
    return digest.hex
  }
}

/// A digest of bytes that come piece by piece.
package struct RunningDigest<Function: BlockDigest> {
  private var state = Function.initial
  private var words = [UInt32](repeating: 0, count: 80)
  /// Bytes of a block that is not full yet.
  private var rest: [UInt8] = []
  private var byteCount: UInt64 = 0

  /// Of no byte so far.
  package init() {}

  /// Adds bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    byteCount &+= UInt64(bytes.count)
    var start = 0
    if !rest.isEmpty {
      start = min(64 - rest.count, bytes.count)
      rest += bytes[..<start]
      guard rest.count == 64 else { return }
      let block = rest
      rest = []
      block.withUnsafeBytes { mix($0, blocks: 1) }
    }
    let blocks = (bytes.count - start) / 64
    mix(UnsafeRawBufferPointer(rebasing: bytes[start...]), blocks: blocks)
    rest += bytes[(start + 64 * blocks)...]
  }

  /// The digest of what was added, in hexadecimal.
  package var hex: String {
    var copy = self
    // Padding: one bit, zeros and the length in bits.
    var tail = rest + [0x80]
    tail += [UInt8](repeating: 0, count: (120 - tail.count % 64) % 64)
    tail += (0..<8).map { UInt8(truncatingIfNeeded: (byteCount &* 8) >> UInt64(56 - 8 * $0)) }
    tail.withUnsafeBytes { copy.mix($0, blocks: tail.count / 64) }
    return copy.state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }.joined()
  }

  private mutating func mix(_ bytes: UnsafeRawBufferPointer, blocks: Int) {
    words.withUnsafeMutableBufferPointer { words in
      state.withUnsafeMutableBufferPointer { state in
        for block in 0..<blocks {
          for index in 0..<16 {
            words[index] = UInt32(
              bigEndian: bytes.loadUnaligned(
                fromByteOffset: 64 * block + 4 * index, as: UInt32.self))
          }
          Function.mix(words, state)
        }
      }
    }
  }
}
