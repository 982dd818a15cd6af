import LanternTokenizers

/// The words of a text by which it is found: letters and digits in lower case, without accents; of Chinese and Japanese
/// each character, for their words are not parted by spaces. No word is left out, and none is cut to its stem.
package enum SearchWords {
  /// The words, in their order.
  package static func words(of text: String) -> [String] {
    let scalars = Decompositions.decompose(Array(text.unicodeScalars), isCompatible: true)
    var words: [String] = []
    var word = String.UnicodeScalarView()
    func end() {
      if !word.isEmpty { words.append(String(word)) }
      word = String.UnicodeScalarView()
    }
    for scalar in scalars {
      if (0x300...0x36F).contains(scalar.value) { continue }
      if isUnspaced(scalar) {
        end()
        words.append(String(scalar))
      } else if isOfWord(scalar) {
        word.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      } else {
        end()
      }
    }
    end()
    return words
  }

  private static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII {
      return ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
        || ("0"..."9").contains(scalar)
    }
    return switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .letterNumber, .otherNumber, .nonspacingMark, .spacingMark:
      true
    default: false
    }
  }

  /// Whether a character belongs to a script without spaces between words: Han, Hiragana and Katakana.
  static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x3041 else { return false }
    return scalar.properties.isIdeographic || (0x3041...0x30FF).contains(scalar.value)
  }
}
