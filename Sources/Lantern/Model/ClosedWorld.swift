import LanternFormats
import LanternTokenizers

/// The words of a model whose world is closed: trained on a small world of its own, it knows no other.
///
/// Its folder's `lantern.json` says `"world": "closed"`, and under `words` every word of its training as
/// it was written there; under `scene` it may sort those of pictures (``SceneVocabulary``).
package struct ClosedWorld: Sendable {
  /// In the order of the alphabet.
  package let words: [String]
  /// What its pictures show; nil where that is not said.
  package let scene: SceneVocabulary?
  private let known: Set<String>
  /// Words as they are known, by their small letters.
  private let spellings: [String: String]

  /// Reads both settings; nil where the world is not said to be closed.
  ///
  /// - Throws: ``FormatError`` for a closed world without words, words without one, or another value.
  init?(_ config: Config) throws(FormatError) {
    try config.expect("world", [.string("closed"), .string("open")])
    let isClosed = try config.optionalString("world") == "closed"
    let words = try isClosed ? config.strings("words") : config.strings("words", default: [])
    scene = try SceneVocabulary(config)
    guard isClosed else { return nil }
    self.words = words.sorted()
    known = Set(words)
    // Of two spellings the one in small letters counts: capitals are those of a sentence's beginning.
    spellings = Dictionary(
      words.map { ($0.lowercased(), $0) }, uniquingKeysWith: { $0 == $0.lowercased() ? $0 : $1 })
  }

  /// Which words of a text the model does not know, each with the nearest that it knows, in a line; nil
  /// where it knows all. Capitals, punctuation and what stands behind an apostrophe (the fox's) do not
  /// count.
  ///
  /// - Parameters:
  ///   - text: without marks of weight.
  ///   - model: its name.
  ///   - location: which text it is, as "in the negative prompt"; empty for the prompt.
  /// - Returns: the line.
  func note(on text: String, model: String, location: String = "") -> String? {
    var unknown: [String] = []
    for word in Self.words(of: text)
    where spellings[word.lowercased()] == nil && !unknown.contains(word) {
      unknown.append(word)
      if unknown.count > Self.mostWords { break }
    }
    if unknown.isEmpty { return nil }
    let shown = unknown.prefix(Self.mostWords).map { word in
      PromptSyntax.shown(word) + (nearest(to: word.lowercased()).map { " (nearest: \($0))" } ?? "")
    }
    let others = unknown.count > Self.mostWords ? " and others" : ""
    return "\(model) does not know\(location.isEmpty ? "" : ", \(location)"): "
      + shown.joined(separator: ", ") + others
  }

  private static let mostWords = 8
  private static let numbers = ["one", "two", "three", "four"]

  private func nearest(to word: String) -> String? {
    if let number = Int(word) {
      let name = Self.numbers.indices.contains(number - 1) ? Self.numbers[number - 1] : nil
      return name.flatMap { known.contains($0) ? $0 : nil }
    }
    // Of two letters any other two are near.
    guard word.unicodeScalars.count > 2 else { return nil }
    let long = spellings.keys.filter { $0.count > 2 }.sorted()
    return Spelling.nearest(to: word, in: long, within: 0.34).flatMap { spellings[$0] }
  }

  /// A text with capitals as the model knows them, for models that distinguish Red from red.
  func spelled(_ text: String) -> String {
    var result = ""
    for run in Self.runs(of: text) {
      let isKnown = known.contains(String(run))
      result += isKnown ? String(run) : spellings[run.lowercased()] ?? String(run)
    }
    return result
  }

  /// The words of a text: runs of letters and of digits, and emoji.
  private static func words(of text: String) -> [String] {
    var words: [String] = []
    var (isAfterWord, isEnding) = (false, false)
    for run in runs(of: text) {
      let isWord = run.first.map { kind($0) != .other } ?? false
      if isWord {
        if !isEnding { words.append(String(run)) }
      } else {
        words += run.filter(isEmoji).map(String.init)
      }
      isEnding = isAfterWord && (run == "'" || run == "’")
      isAfterWord = isWord
    }
    return words
  }

  private enum Kind { case letters, digits, other }

  private static func kind(_ character: Character) -> Kind {
    character.isLetter ? .letters : character.isNumber ? .digits : .other
  }

  private static func isEmoji(_ character: Character) -> Bool {
    character.unicodeScalars.contains { $0.properties.isEmoji && !$0.isASCII }
  }

  /// A text cut where letters, digits and everything else follow each other.
  private static func runs(of text: String) -> [Substring] {
    var runs: [Substring] = []
    var rest = text[...]
    while let first = rest.first {
      let kind = kind(first)
      let run = rest.prefix { Self.kind($0) == kind }
      runs.append(run)
      rest = rest[run.endIndex...]
    }
    return runs
  }
}
