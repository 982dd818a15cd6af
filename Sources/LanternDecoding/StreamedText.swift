package import LanternTokenizers

/// Text as it is generated, token by token; a character may take several.
package struct StreamedText {
  private let tokenizer: any Tokenizer
  private let skipsSpecial: Bool
  package private(set) var ids: [Int] = []
  private var bytes: [UInt8] = []
  private var toldCount = 0

  /// - Parameters:
  ///   - tokenizer: whose tokens they are.
  ///   - skipsSpecial: whether special tokens are left out of the text.
  package init(_ tokenizer: any Tokenizer, skipsSpecial: Bool = false) {
    (self.tokenizer, self.skipsSpecial) = (tokenizer, skipsSpecial)
  }

  /// All that is written.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Takes a token; returns the characters that are complete by now and were not returned before.
  package mutating func add(_ id: Int) -> String? {
    ids.append(id)
    if skipsSpecial, tokenizer.isSpecial(id) { return nil }
    bytes += tokenizer.decode([id])
    // A character's last bytes may be on their way: at most three of four.
    var end = bytes.count
    for back in 1...3 where end == bytes.count && bytes.count - back >= toldCount {
      let byte = bytes[bytes.count - back]
      if byte >= 0xC0, back < (byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2) { end -= back }
      if byte < 0x80 { break }
    }
    guard end > toldCount else { return nil }
    defer { toldCount = end }
    return String(decoding: bytes[toldCount..<end], as: UTF8.self)
  }
}
