/// Words that are looked for in prompts: in any case, and not within longer words. Of several that fit, the
/// longest counts.
package struct PromptWords<Meaning: Sendable>: Sendable {
  private struct Word {
    let text: [Unicode.Scalar]
    let meaning: Meaning
  }

  /// By their first scalar, the longest first.
  private let words: [Unicode.Scalar: [Word]]

  /// Words and what they mean; of equal ones the first counts.
  package init(_ words: [(text: String, meaning: Meaning)]) {
    let folded = words.map { Word(text: Self.folded($0.text.unicodeScalars), meaning: $0.meaning) }
    self.words = Dictionary(grouping: folded.filter { !$0.text.isEmpty }) { $0.text[0] }
      .mapValues { words in
        words.enumerated().sorted {
          ($1.element.text.count, $0.offset) < ($0.element.text.count, $1.offset)
        }.map(\.element)
      }
  }

  /// Calls `body` with each stretch of other text and the word behind it; nil at the end.
  package func split(_ text: String, _ body: (_ plain: String, _ word: Meaning?) -> Void) {
    let scalars = Array(text.unicodeScalars)
    let letters = Self.folded(text.unicodeScalars)
    func plain(_ range: Range<Int>) -> String {
      String(String.UnicodeScalarView(scalars[range]))
    }
    var (start, position) = (0, 0)
    while position < letters.count {
      let word = words[letters[position]]?.first { Self.has(letters, $0.text, at: position) }
      if let word {
        body(plain(start..<position), word.meaning)
        position += word.text.count
        start = position
      } else {
        position += 1
      }
    }
    body(plain(start..<scalars.count), nil)
  }

  /// The word that a text begins with, and the number of its characters; nil where it begins with none.
  package func first(of text: String) -> (meaning: Meaning, count: Int)? {
    let letters = Self.folded(text.unicodeScalars)
    guard
      let word = letters.first.flatMap({ words[$0] })?.first(where: {
        Self.has(letters, $0.text, at: 0)
      })
    else { return nil }
    return (word.meaning, String(String.UnicodeScalarView(word.text)).count)
  }

  private static func has(_ text: [Unicode.Scalar], _ word: [Unicode.Scalar], at position: Int)
    -> Bool
  {
    let end = position + word.count
    guard text[position...].starts(with: word) else { return false }
    let continuesBefore =
      position > 0 && text[position - 1].isWord && text[position].isWord
    let continuesBehind = end < text.count && text[end - 1].isWord && text[end].isWord
    return !continuesBefore && !continuesBehind
  }

  /// Scalars in lower case, one for one.
  private static func folded(_ scalars: String.UnicodeScalarView) -> [Unicode.Scalar] {
    scalars.map { scalar in
      let lower = scalar.properties.lowercaseMapping.unicodeScalars
      return lower.count == 1 ? lower.first ?? scalar : scalar
    }
  }
}

/// Which embeddings of a folder a prompt calls.
package enum EmbeddingCalls {
  static let lead = "embedding:"
  static let endings = ["", ".safetensors", ".pt", ".bin"]

  /// All spellings in prompts of an embedding's word: itself, and ComfyUI's `embedding:word`, with a file's
  /// ending or without.
  static func spellings(of word: String) -> [String] {
    [word] + endings.map { "\(lead)\(word)\($0)" }
  }

  /// The names that a prompt calls, in order: of those that there are, and of others behind `embedding:`.
  package static func names(in prompt: String, known: [String]) -> [String] {
    var found: [String] = []
    let marks = PromptWords([(lead, ())])
    let words = PromptWords(known.map { ($0, $0) })
    var isBehindMark = false
    marks.split(prompt) { text, mark in
      var rest = text[...]
      if isBehindMark {
        let other = text.prefix { !$0.isWhitespace && !",()[]:".contains($0) }
        let name = other.contains("/") ? nil : words.first(of: text)
        found += [name?.meaning ?? String(other)].filter { !$0.isEmpty }
        rest = rest.dropFirst(name?.count ?? other.count)
      }
      isBehindMark = mark != nil
      words.split(String(rest)) { _, name in found += [name].compactMap(\.self) }
    }
    return found
  }
}
