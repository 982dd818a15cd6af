/// The normaliser and pre-tokeniser of CLIP.
///
/// Equal to those of `transformers.CLIPTokenizer` (5.23), by the `tokenizers` library (0.23): composed characters (NFC), runs of
/// white space as one space, lower case of each character by itself; then `'s`, `'t`, `'re`, `'ve`,
/// `'m`, `'ll`, `'d`, runs of letters, single digits, and runs of all else but white space.
enum CLIPWords {
  /// The normalised text.
  static func normalize(_ text: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
    var normalized: [Unicode.Scalar] = []
    normalized.reserveCapacity(text.count)
    var wasSpace = false
    for scalar in composed(text) {
      let isSpace = ScalarKind(scalar) == .space
      if isSpace {
        if !wasSpace { normalized.append(" ") }
      } else if scalar.isASCII {
        let isUpper = ("A"..."Z").contains(scalar)
        normalized.append(isUpper ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar)
      } else {
        normalized.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
      wasSpace = isSpace
    }
    return normalized
  }

  /// Canonical composition (NFC). Characters below U+0300 do not change; neither do those newer than Unicode
  /// 9, which the reference's tables do not have, nor is anything reordered across them.
  static func composed(_ text: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
    guard text.contains(where: { $0.value >= 0x300 }) else { return Array(text) }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    var rest = text
    while !rest.isEmpty {
      let end = rest.firstIndex { $0.value >= 0x300 && $0.isNewer(than: 9) } ?? rest.endIndex
      var view = String.UnicodeScalarView()
      for scalar in rest[..<end] {
        if let parts = markPairs[scalar] {
          view.append(contentsOf: parts)
        } else {
          view.append(scalar)
        }
      }
      result += String(decoding: String(view)._nfcCodeUnits, as: UTF8.self).unicodeScalars
      if end < rest.endIndex { result.append(rest[end]) }
      rest = rest[end...].dropFirst()
    }
    return result
  }

  /// Tibetan vowels of two marks, which Swift 6.3 treats as base characters and so does not reorder
  /// with the marks before them.
  private static let markPairs: [Unicode.Scalar: [Unicode.Scalar]] = [
    "\u{F73}": ["\u{F71}", "\u{F72}"], "\u{F75}": ["\u{F71}", "\u{F74}"],
    "\u{F81}": ["\u{F71}", "\u{F80}"],
  ]

  /// Calls `body` with the range of each word of a normalised text.
  static func forEachWord(in text: ArraySlice<Unicode.Scalar>, _ body: (Range<Int>) -> Void) {
    var position = text.startIndex
    func run(of wanted: ScalarKind) -> Range<Int> {
      let end = text[position...].firstIndex { ScalarKind($0) != wanted } ?? text.endIndex
      return position..<end
    }
    while position < text.endIndex {
      let kind = ScalarKind(text[position])
      var word = position..<position + 1
      switch kind {
      case .space:
        position += 1
        continue
      case .number: break
      case .letter: word = run(of: .letter)
      case .other:
        if let marker = markers.first(where: { text[position...].starts(with: $0) }) {
          // The marker as text rather than as special token, as after lower-casing: it is not joined with
          // the punctuation that follows.
          let end = position + marker.count
          for part in [2, marker.count - 4, 2] {
            body(position..<position + part)
            position += part
          }
          position = end
          continue
        } else if let ending = contractions.first(where: { text[position...].starts(with: $0) }) {
          word = position..<position + ending.count
        } else {
          word = run(of: .other)
        }
      }
      body(word)
      position = word.upperBound
    }
  }

  private static let markers = ["<|startoftext|>", "<|endoftext|>"].map { Array($0.unicodeScalars) }
  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
    Array($0.unicodeScalars)
  }
}
