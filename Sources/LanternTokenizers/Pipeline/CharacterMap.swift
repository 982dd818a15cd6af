/// sentencepiece's table of what characters and sequences of them are replaced by before text is cut into pieces: the
/// `precompiled_charsmap` of its models, as of T5, XLM-R and ALBERT.
///
/// A double array (Aoe 1989; Darts-clone's layout) of keys, whose values are positions in a list of texts that end with
/// a zero.
struct CharacterMap: Sendable, Equatable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// Reads a table; nil where bytes are none. No step leaves a hostile one.
  init?(_ bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    func unit(at position: Int) -> UInt32 {
      bytes[position..<position + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    guard bytes.count > 4 else { return nil }
    let size = Int(unit(at: 0))
    guard size >= 4, size % 4 == 0, size < bytes.count - 4 else { return nil }
    units = stride(from: 4, to: 4 + size, by: 4).map(unit)
    texts = Array(bytes[(4 + size)...])
  }

  /// What the longest key that a text begins with is replaced by, and its length; nil where there is none.
  func longest(_ text: ArraySlice<UInt8>) -> (length: Int, text: ArraySlice<UInt8>)? {
    var found: (length: Int, value: Int)?
    matches(text) { length, value in
      found = (length, value)
      return true
    }
    return found.map { ($0.length, self.text(at: $0.value)) }
  }

  /// What the shortest key that a text begins with is replaced by; nil where there is none.
  func shortest(_ text: some Sequence<UInt8>) -> ArraySlice<UInt8>? {
    var found: Int?
    matches(text) { _, value in
      found = value
      return false
    }
    return found.map(self.text)
  }

  private func text(at start: Int) -> ArraySlice<UInt8> {
    texts.dropFirst(start).prefix { $0 != 0 }
  }

  /// Calls `body` with the length and value of each key that a text begins with, the shortest first, until it returns
  /// false.
  private func matches(_ text: some Sequence<UInt8>, _ body: (Int, Int) -> Bool) {
    var (node, length) = (Self.offset(units[0]), 0)
    for byte in text {
      node ^= Int(byte)
      guard byte != 0, node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { return }
      length += 1
      let unit = units[node]
      node ^= Self.offset(unit)
      guard node < units.count else { return }
      // Bit 8: a key ends here, and its value is where the zero byte would lead.
      if unit & 0x100 != 0, !body(length, Int(units[node] & 0x7FFF_FFFF)) { return }
    }
  }

  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }
}
