import LanternFormats

/// A part of a document: what is found.
package struct Passage: Sendable, Equatable {
  /// The headings that it stands below, the highest first, as `Animals > Badgers`; empty for none.
  package let heading: String
  /// The page that it begins on; nil where the document has none.
  package let page: Int?
  package let text: String

  package init(heading: String = "", page: Int? = nil, text: String) {
    (self.heading, self.page, self.text) = (heading, page, text)
  }

  /// What is searched: the headings, which often have the words that the text goes without, and the text.
  var words: [String] { SearchWords.words(of: "\(heading)\n\(text)") }
  /// By which the same text is known.
  var digest: String { String(SHA256.hex(of: Array(text.utf8)).prefix(32)) }
}

/// Cuts documents into passages: at headings, between paragraphs, and within a long one between sentences.
package struct PassageSplitter: Sendable {
  /// Words of a passage at most, but for the last sentence's sake; a Chinese or Japanese character counts as one.
  package var wordLimit = 200

  package init() {}

  /// The passages of a document, in its order.
  package func passages(of document: DocumentText) -> [Passage] {
    var writer = Writer(limit: max(wordLimit, 1))
    for block in document.blocks {
      switch block {
      case .heading(let level, let text): writer.begin(level, text)
      case .page(let number): writer.page = number
      case .paragraph(let text): writer.add(text)
      }
    }
    writer.end()
    return writer.passages
  }

  private struct Writer {
    let limit: Int
    var page: Int?
    private(set) var passages: [Passage] = []
    private var headings: [(level: Int, text: String)] = []
    private var paragraphs: [String] = []
    private var count = 0
    private var firstPage: Int?

    init(limit: Int) { self.limit = limit }

    mutating func begin(_ level: Int, _ text: String) {
      end()
      headings.removeAll { $0.level >= level }
      headings.append((level, text))
    }

    mutating func add(_ paragraph: String) {
      let sentences = Sentences.split(paragraph).flatMap { Sentences.pieces(of: $0, limit: limit) }
      let words = sentences.map(Sentences.length)
      let total = words.reduce(0, +)
      // A paragraph stays whole where the passage before is no small one.
      if count + total > limit, total <= limit, 4 * count > 3 * limit { end() }
      var isNew = true
      for (sentence, length) in zip(sentences, words) {
        if count > 0, count + length > limit {
          end()
          isNew = true
        }
        if count == 0 { firstPage = page }
        if isNew {
          paragraphs.append(sentence)
        } else {
          paragraphs[paragraphs.count - 1] += " " + sentence
        }
        isNew = false
        count += length
      }
    }

    mutating func end() {
      if !paragraphs.isEmpty {
        passages.append(
          Passage(
            heading: headings.map(\.text).joined(separator: " > "), page: firstPage,
            text: paragraphs.joined(separator: "\n\n")))
      }
      (paragraphs, count) = ([], 0)
    }
  }
}

/// Sentences of a paragraph.
enum Sentences {
  /// Words behind which a full stop ends no sentence.
  private static let abbreviations: Set<String> = [
    "mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "fig", "no", "vol", "e.g", "i.e", "cf",
    "al",
    "bzw", "ca", "z.b", "u.a",
  ]
  private static let ends: Set<Character> = [".", "!", "?", "…"]
  private static let wideEnds: Set<Character> = ["。", "！", "？"]
  private static let closing: Set<Character> = ["\"", "'", "”", "’", ")", "]", "»", "」", "』"]

  /// The sentences, without white space around each.
  static func split(_ text: String) -> [String] {
    var sentences: [String] = []
    var sentence = ""
    // What an end of a sentence was followed by: nothing but marks that close so far.
    var (isEnd, isWide) = (false, false)
    for character in text {
      if isEnd, isWide ? !closing.contains(character) : character.isWhitespace {
        sentences.append(sentence)
        sentence = ""
        (isEnd, isWide) = (false, false)
      } else if isEnd, !closing.contains(character), !ends.contains(character) {
        isEnd = false
      }
      if sentence.isEmpty, character.isWhitespace { continue }
      sentence.append(character)
      if wideEnds.contains(character) {
        (isEnd, isWide) = (true, true)
      } else if ends.contains(character) {
        isEnd = character != "." || !isAbbreviation(sentence)
        isWide = false
      }
    }
    if !sentence.isEmpty { sentences.append(sentence) }
    return sentences
  }

  private static func isAbbreviation(_ sentence: String) -> Bool {
    let word = sentence.dropLast().reversed().prefix { !$0.isWhitespace && $0 != "(" }
    // A single letter is an initial.
    return word.count == 1 && word.first?.isUppercase == true
      || abbreviations.contains(String(word.reversed()).lowercased())
  }

  /// Words, and characters of scripts that part none.
  static func wordCount(_ text: String) -> Int {
    var (count, isWord) = (0, false)
    for scalar in text.unicodeScalars {
      if SearchWords.isUnspaced(scalar) {
        count += 1
        isWord = false
      } else if scalar.properties.isWhitespace {
        isWord = false
      } else if !isWord {
        count += 1
        isWord = true
      }
    }
    return count
  }

  /// How much of a passage a text takes: its words, or as many as its letters could be.
  static func length(_ text: String) -> Int { max(wordCount(text), text.utf8.count / 32) }

  /// Characters of a word at most, before it is cut: a line of a coded picture is no word.
  private static let longestWord = 400

  /// A sentence that is too long, cut between words, or within one that is no word.
  static func pieces(of sentence: String, limit: Int) -> [String] {
    guard length(sentence) > limit else { return [sentence] }
    var pieces: [String] = []
    var piece = ""
    var count = 0
    func end() {
      if !piece.isEmpty { pieces.append(piece) }
      (piece, count) = ("", 0)
    }
    for word in sentence.split(whereSeparator: \.isWhitespace) {
      var rest = word[...]
      while !rest.isEmpty {
        let part = rest.prefix(min(longestWord, max(limit, 1)))
        let length = length(String(part))
        if count > 0, count + length > limit { end() }
        piece += (piece.isEmpty || part.startIndex != word.startIndex ? "" : " ") + part
        count += length
        rest = rest.dropFirst(part.count)
      }
    }
    end()
    return pieces
  }
}
