import LanternTensor

/// Integers of a few bits, one behind the other in 32-bit words, the lowest bits first: one may begin in a word and end
/// in the next.
struct PackedWords: Sendable {
  private let words: Tensor
  private let bits: Int
  /// Words from one to the next of a sequence.
  private let stride: Int

  /// - Parameters:
  ///   - words: i32, contiguous.
  ///   - bits: of an integer.
  ///   - stride: words from one to the next of a sequence.
  init(_ words: Tensor, bits: Int, stride: Int = 1) {
    (self.words, self.bits, self.stride) = (words, bits, stride)
  }

  /// Calls a closure with integers of a sequence, in order.
  ///
  /// - Parameters:
  ///   - start: the sequence's first word.
  ///   - count: of integers.
  ///   - body: called with the index and the integer.
  func forEach(from start: Int, count: Int, _ body: (_ index: Int, _ value: Int16) -> Void) {
    let pointer = words.bytes.assumingMemoryBound(to: UInt32.self) + start
    let mask = UInt32(1) << bits - 1
    for index in 0..<count {
      let (word, offset) = ((index * bits) >> 5, UInt32(index * bits) & 31)
      var value = UInt32(littleEndian: pointer[word * stride]) >> offset
      if Int(offset) + bits > 32 {
        value |= UInt32(littleEndian: pointer[(word + 1) * stride]) << (32 - offset)
      }
      body(index, Int16(truncatingIfNeeded: value & mask))
    }
    withExtendedLifetime(words) {}
  }

  /// Whether every word is the same.
  func areAll(_ word: UInt32) -> Bool {
    let pointer = words.bytes.assumingMemoryBound(to: UInt32.self)
    defer { withExtendedLifetime(words) {} }
    return UnsafeBufferPointer(start: pointer, count: words.elementCount).allSatisfy {
      UInt32(littleEndian: $0) == word
    }
  }

  /// A word of equal integers of 2, 4 or 8 bits.
  static func filled(_ value: Int, bits: Int) -> UInt32 {
    Swift.stride(from: 0, to: 32, by: bits).reduce(0) { $0 | UInt32(value) << UInt32($1) }
  }
}
