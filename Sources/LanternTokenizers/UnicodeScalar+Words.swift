extension Unicode.Scalar {
  /// Whether it is white space, as Python's regular expressions have it.
  var isSpace: Bool { ("\u{1C}"..."\u{1F}").contains(self) || properties.isWhitespace }

  /// Whether it may be part of a word, as Python's regular expressions have it.
  var isWord: Bool { self == "_" || properties.isAlphabetic || properties.numericType != nil }
}

extension ArraySlice<Unicode.Scalar> {
  /// The text without white space at its end.
  var trimmingEnd: Self { self[..<((lastIndex { !$0.isSpace } ?? startIndex - 1) + 1)] }

  /// Where a word stands, and not within longer words.
  func ranges(ofWord word: String) -> [Range<Int>] {
    let word = Array(word.unicodeScalars)
    return indices.compactMap { start in
      let end = start + word.count
      guard self[start] == word.first, self[start...].starts(with: word),
        start == startIndex || !self[start - 1].isWord,
        end == endIndex || !self[end].isWord
      else { return nil }
      return start..<end
    }
  }

  /// Whether it is a decimal number in ASCII digits, with a sign or without.
  func isDecimal(withExponent takesExponent: Bool) -> Bool {
    var rest = self
    func takeSign() {
      if let sign = rest.first, sign == "+" || sign == "-" { rest.removeFirst() }
    }
    func takeDigits() -> Int {
      let digits = rest.prefix { ("0"..."9").contains($0) }.count
      rest.removeFirst(digits)
      return digits
    }
    takeSign()
    var digits = takeDigits()
    if rest.first == "." {
      rest.removeFirst()
      digits += takeDigits()
    }
    guard digits > 0 else { return false }
    if takesExponent, let letter = rest.first, letter == "e" || letter == "E" {
      rest.removeFirst()
      takeSign()
      if takeDigits() == 0 { return false }
    }
    return rest.isEmpty
  }
}
