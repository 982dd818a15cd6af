/// The character classes of pre-tokenisation: those of the regular expressions of the `tokenizers` library
/// (0.23), of Unicode 16.
enum ScalarKind {
  case space, letter, number, other

  init(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "a"..."z", "A"..."Z": self = .letter
    case "0"..."9": self = .number
    case " ", "\t"..."\r": self = .space
    case _ where scalar.isASCII: self = .other
    default:
      let properties = scalar.properties
      let kind: ScalarKind =
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
          .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: properties.isWhitespace ? .space : .other
        }
      let isUnknown = (kind == .letter || kind == .number) && scalar.isNewer(than: 16)
      self = isUnknown ? .other : kind
    }
  }
}

extension Unicode.Scalar {
  /// Whether the character was added after a version of Unicode.
  func isNewer(than edition: Int) -> Bool { properties.age?.major ?? 0 > edition }
}
