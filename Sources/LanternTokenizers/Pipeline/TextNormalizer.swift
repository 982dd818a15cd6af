/// A step that changes a text before it is cut into tokens: the normalizers of the `tokenizers` library (0.23), and
/// sentencepiece's own.
enum TextNormalizer: Sendable, Equatable {
  /// Composed and decomposed characters; K: compatibility characters are replaced too.
  case nfc, nfd, nfkc, nfkd
  case lowercase
  case stripAccents
  case strip(left: Bool, right: Bool)
  case prepend([Unicode.Scalar])
  case replace([Unicode.Scalar], with: [Unicode.Scalar])
  /// Of runs of white space, or of two spaces and more.
  case replaceRuns(Run, with: [Unicode.Scalar])
  /// BERT's: control characters go, white space becomes spaces, Chinese characters stand alone.
  case bert(cleans: Bool, spacesChinese: Bool, stripsAccents: Bool, lowercases: Bool)
  /// Of Google's translation models: control characters go, line ends and marks of directions become spaces.
  case nmt
  /// sentencepiece's table, as the library reads it.
  case precompiled(CharacterMap)
  case sentencePiece(SentencePieceNormalizer)

  /// The regular expressions that are known.
  enum Run: String, Sendable {
    case spaces = " {2,}"
    case whitespace = #"\s+"#
  }

  /// The text after the step.
  func normalize(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    switch self {
    case .nfc: CLIPWords.composed(text[...])
    case .nfd: Decompositions.decompose(text, isCompatible: false)
    case .nfkc: CLIPWords.composed(Decompositions.decompose(text, isCompatible: true)[...])
    case .nfkd: Decompositions.decompose(text, isCompatible: true)
    case .lowercase: text.flatMap { $0.properties.lowercaseMapping.unicodeScalars }
    case .stripAccents: text.filter { !$0.isMark }
    case .strip(let left, let right): Self.strip(text, left, right)
    case .prepend(let prefix): text.isEmpty ? text : prefix + text
    case .replace(let old, let new): Self.replace(old, with: new, in: text)
    case .replaceRuns(let run, let new): Self.replace(run, with: new, in: text)
    case .bert(let cleans, let spacesChinese, let stripsAccents, let lowercases):
      Self.bert(text, cleans, spacesChinese, stripsAccents, lowercases)
    case .nmt: text.compactMap(Self.translated)
    case .precompiled(let map): Self.replace(by: map, in: text)
    case .sentencePiece(let rules): rules.normalize(text)
    }
  }

  private static func strip(_ text: [Unicode.Scalar], _ left: Bool, _ right: Bool)
    -> [Unicode.Scalar]
  {
    let start = left ? text.firstIndex { !$0.properties.isWhitespace } ?? text.endIndex : 0
    let end = right ? (text.lastIndex { !$0.properties.isWhitespace } ?? -1) + 1 : text.endIndex
    return Array(text[start..<max(start, end)])
  }

  private static func replace(
    _ old: [Unicode.Scalar], with new: [Unicode.Scalar], in text: [Unicode.Scalar]
  ) -> [Unicode.Scalar] {
    guard let first = old.first else { return text }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      if text[position] == first, text[position...].starts(with: old) {
        result += new
        position += old.count
      } else {
        result.append(text[position])
        position += 1
      }
    }
    return result
  }

  private static func replace(_ run: Run, with new: [Unicode.Scalar], in text: [Unicode.Scalar])
    -> [Unicode.Scalar]
  {
    var result: [Unicode.Scalar] = []
    var rest = text[...]
    while let first = rest.first {
      let end =
        switch run {
        case .spaces: rest.firstIndex { $0 != " " } ?? rest.endIndex
        case .whitespace: rest.firstIndex { !$0.properties.isWhitespace } ?? rest.endIndex
        }
      if end - rest.startIndex >= (run == .spaces ? 2 : 1) {
        result += new
        rest = rest[end...]
      } else {
        result.append(first)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  private static func bert(
    _ text: [Unicode.Scalar], _ cleans: Bool, _ spacesChinese: Bool, _ stripsAccents: Bool,
    _ lowercases: Bool
  ) -> [Unicode.Scalar] {
    var result = cleans ? text.compactMap(cleaned) : text
    if spacesChinese { result = result.flatMap { isChinese($0) ? [" ", $0, " "] : [$0] } }
    if stripsAccents { result = TextNormalizer.nfd.normalize(result).filter { !$0.isAccent } }
    return lowercases ? TextNormalizer.lowercase.normalize(result) : result
  }

  private static func cleaned(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    if scalar == "\t" || scalar == "\n" || scalar == "\r" { return " " }
    if scalar.value == 0 || scalar.value == 0xFFFD { return nil }
    switch scalar.properties.generalCategory {
    // The library's table of categories is Unicode 8's.
    case .control, .format, .privateUse: return scalar.isNewer(than: 8) ? scalar : nil
    default: return scalar.properties.isWhitespace ? " " : scalar
    }
  }

  private static func translated(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    switch scalar.value {
    case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0x8F, 0x9F: nil
    case 0x9, 0xA, 0xC, 0xD, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: " "
    default: scalar
    }
  }

  /// Each character that a reader sees, if it has less than six bytes, is replaced as a whole by what its beginning is
  /// in the table; all others scalar by scalar.
  private static func replace(by map: CharacterMap, in text: [Unicode.Scalar])
    -> [Unicode.Scalar]
  {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text)
    var result: [UInt8] = []
    for character in String(view) {
      if character.utf8.count < 6, let found = map.shortest(character.utf8) {
        result += found
        continue
      }
      for scalar in character.unicodeScalars {
        let bytes = UTF8.encode(scalar).map(Array.init) ?? []
        result += map.shortest(bytes) ?? bytes[...]
      }
    }
    return Array(String(decoding: result, as: UTF8.self).unicodeScalars)
  }

  /// The blocks of Chinese characters that BERT's tokenizer names.
  private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}

extension Unicode.Scalar {
  /// Whether it is a mark, by Unicode 9's tables, which the library takes for `StripAccents`.
  fileprivate var isMark: Bool {
    switch value {
    case 0x1CF2, 0x1CF3: return true
    case 0x111C9: return false
    default: break
    }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: return !isNewer(than: 9)
    default: return false
    }
  }

  /// Whether it is a mark without a width, by Unicode 8's tables, which the library takes for `BertNormalizer`.
  fileprivate var isAccent: Bool {
    switch value {
    case 0x1734: true
    case 0x1885, 0x1886, 0xA9BD, 0x111C9: false
    default: properties.generalCategory == .nonspacingMark && !isNewer(than: 8)
    }
  }
}
