/// A step that changes a text before it is cut into tokens: the normalizers of the `tokenizers` library (0.23).
enum TextNormalizer: Sendable, Equatable {
  /// Canonical composition.
  case nfc
  case lowercase
  case strip(left: Bool, right: Bool)
  /// One space for several.
  case joinSpaces
  case prepend([Unicode.Scalar])
  case replace([Unicode.Scalar], with: [Unicode.Scalar])
  /// BERT's: control characters go, white space becomes spaces, Chinese characters stand alone.
  case bert(cleans: Bool, spacesChinese: Bool, lowercases: Bool)

  /// The text after the step.
  func normalize(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    switch self {
    case .nfc: return CLIPWords.composed(text[...])
    case .lowercase: return text.flatMap { $0.properties.lowercaseMapping.unicodeScalars }
    case .strip(let left, let right):
      let start = left ? text.firstIndex { !$0.properties.isWhitespace } ?? text.endIndex : 0
      let end = right ? (text.lastIndex { !$0.properties.isWhitespace } ?? -1) + 1 : text.endIndex
      return Array(text[start..<max(start, end)])
    case .joinSpaces:
      return text.indices.filter { $0 == 0 || text[$0] != " " || text[$0 - 1] != " " }.map {
        text[$0]
      }
    case .prepend(let prefix): return text.isEmpty ? text : prefix + text
    case .replace(let old, let new): return Self.replace(old, with: new, in: text)
    case .bert(let cleans, let spacesChinese, let lowercases):
      var result = cleans ? Self.cleaned(text) : text
      if spacesChinese { result = result.flatMap { Self.isChinese($0) ? [" ", $0, " "] : [$0] } }
      return lowercases ? TextNormalizer.lowercase.normalize(result) : result
    }
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

  private static func cleaned(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    text.compactMap { scalar in
      if scalar == "\t" || scalar == "\n" || scalar == "\r" { return " " }
      if scalar.value == 0 || scalar.value == 0xFFFD { return nil }
      switch scalar.properties.generalCategory {
      case .control, .format, .privateUse, .surrogate, .unassigned: return nil
      default: return scalar.properties.isWhitespace ? " " : scalar
      }
    }
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
