/// How sentencepiece (0.2) changes text before it cuts it: characters by a table, spaces to `▁`, of which those at the
/// ends and all but one of several may go, and one may come in front.
struct SentencePieceNormalizer: Sendable, Equatable {
  /// What replaces characters; nil where they stay.
  var map: CharacterMap?
  /// A space in front of the text: `add_dummy_prefix`.
  var addsSpace = true
  /// `remove_extra_whitespaces`.
  var removesSpaces = true
  /// Pieces that stay as they are in a text, by their first byte, the longest first: those that the model's makers
  /// defined.
  private var fixed: [UInt8: [[UInt8]]] = [:]

  /// - Parameter pieces: those that stay as they are.
  mutating func keep(_ pieces: [String]) {
    let sorted = pieces.map { Array($0.utf8) }.sorted { $0.count > $1.count }
    for piece in sorted { if let first = piece.first { fixed[first, default: []].append(piece) } }
  }

  /// The text after the step.
  func normalize(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    let bytes = text.flatMap { UTF8.encode($0).map(Array.init) ?? [] }
    var pieces = self.pieces(of: bytes[...])
    if removesSpaces { pieces = pieces.drop { $0.elementsEqual([0x20]) } }
    guard !pieces.isEmpty else { return [] }
    let mark = Array("▁".utf8)
    var result = addsSpace ? mark : []
    var wasSpace = removesSpaces
    for piece in pieces {
      let kept = wasSpace ? piece.drop { $0 == 0x20 } : piece
      for byte in kept { result += byte == 0x20 ? mark : [byte] }
      if let last = kept.last { wasSpace = removesSpaces && last == 0x20 }
    }
    while removesSpaces, result.suffix(3).elementsEqual(mark) { result.removeLast(3) }
    return Array(String(decoding: result, as: UTF8.self).unicodeScalars)
  }

  /// What becomes of the stretches of a text that are replaced as wholes.
  private func pieces(of text: ArraySlice<UInt8>) -> ArraySlice<ArraySlice<UInt8>> {
    var pieces: [ArraySlice<UInt8>] = []
    var rest = text
    while let first = rest.first {
      if let fixed = fixed[first]?.first(where: { rest.starts(with: $0) }) {
        pieces.append(rest.prefix(fixed.count))
        rest = rest.dropFirst(fixed.count)
      } else if let found = map?.longest(rest), found.length > 0 {
        pieces.append(found.text)
        rest = rest.dropFirst(found.length)
      } else {
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        pieces.append(rest.prefix(length))
        rest = rest.dropFirst(length)
      }
    }
    return pieces[...]
  }
}
