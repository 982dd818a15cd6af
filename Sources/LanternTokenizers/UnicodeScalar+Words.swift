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
      guard self[start...].starts(with: word), start == startIndex || !self[start - 1].isWord,
        end == endIndex || !self[end].isWord
      else { return nil }
      return start..<end
    }
  }
}
