/// A set of texts, as bytes: what a regular expression or a schema allows, before it is made an automaton.
indirect enum BytePattern: Sendable {
  /// One byte of some ranges.
  case byte([ClosedRange<UInt8>])
  /// One after the other.
  case sequence([BytePattern])
  /// One of several.
  case choice([BytePattern])
  /// Several times; without an upper limit where that is nil.
  case repeated(BytePattern, Int, Int?)
  /// A rule of the grammar, which may call itself.
  case rule(Int)

  /// Nothing.
  static var empty: BytePattern { .sequence([]) }

  /// A text.
  static func literal(_ text: String) -> BytePattern {
    .sequence(text.utf8.map { .byte([$0...$0]) })
  }

  /// Maybe.
  static func optional(_ pattern: BytePattern) -> BytePattern { .repeated(pattern, 0, 1) }

  /// One character of some ranges of Unicode scalars, as UTF-8; surrogates are none.
  static func scalar(_ ranges: [ClosedRange<UInt32>]) -> BytePattern {
    let parts = ranges.flatMap { range in
      // Scalars of one length, and of both sides of the surrogates.
      [0...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF]
        .filter { $0.overlaps(range) }.flatMap { utf8(range.clamped(to: $0)) }
    }
    return .choice(parts)
  }

  /// Scalars of one length, as sequences of ranges of bytes.
  private static func utf8(_ range: ClosedRange<UInt32>) -> [BytePattern] {
    var size: UInt32 = 6
    while size <= 18 {
      // Where the upper bits differ, only whole blocks of the lower ones are a range.
      let mask = UInt32(1) << size - 1
      let (low, high) = (range.lowerBound, range.upperBound)
      if high > 0x7F, low & ~mask != high & ~mask {
        if low & mask != 0 { return utf8(low...(low | mask)) + utf8((low | mask) + 1...high) }
        if high & mask != mask {
          return utf8(low...(high & ~mask) - 1) + utf8(high & ~mask...high)
        }
      }
      size += 6
    }
    let (low, high) = (bytes(range.lowerBound), bytes(range.upperBound))
    return [.sequence(zip(low, high).map { .byte([$0...$1]) })]
  }

  private static func bytes(_ scalar: UInt32) -> [UInt8] {
    Unicode.Scalar(scalar).map { Array(String(Character($0)).utf8) } ?? []
  }
}
