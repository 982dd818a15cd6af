/// A step that cuts a normalised text into words: the pre-tokenizers of the `tokenizers` library (0.23).
enum TextSplitter: Sendable, Equatable {
  enum Prefix: String, Sendable { case always, first, never }
  enum Behavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
  }

  /// A regular expression that ``WordSplit`` matches.
  case words(WordSplit)
  /// A space in front of what has none.
  case addsSpace
  /// At white space, which goes.
  case whitespace
  /// At white space, which goes; punctuation stands alone.
  case bert
  /// Digits apart from all else, and from each other if they are individual.
  case digits(areIndividual: Bool)
  /// `▁` for spaces, and maybe in front; words begin with it.
  case metaspace(Prefix, splits: Bool)
  /// At a text.
  case literal([Unicode.Scalar], Behavior)

  typealias Word = ArraySlice<Unicode.Scalar>

  /// The words of a word.
  ///
  /// - Parameters:
  ///   - word: a word of the step before.
  ///   - isFirst: whether the whole text begins with it.
  /// - Returns: its words, in order.
  func split(_ word: Word, isFirst: Bool) -> [Word] {
    switch self {
    case .words(let split):
      var words: [Word] = []
      split.forEachWord(in: word) { words.append(word[$0]) }
      return words
    case .addsSpace: return [word.first == " " ? word : ([" "] + word)[...]]
    case .whitespace: return word.split { $0.properties.isWhitespace }
    case .bert:
      return word.split { $0.properties.isWhitespace }
        .flatMap { Self.pieces(of: $0) { Self.isPunctuation($0) ? .alone : .other } }
    case .digits(let areIndividual):
      return Self.pieces(of: word) {
        ScalarKind($0) == .number ? areIndividual ? .alone : .run : .other
      }
    case .metaspace(let prefix, let splits):
      var text = word.map { $0 == " " ? "▁" : $0 }
      let isPrefixed = prefix == .always || prefix == .first && isFirst
      if isPrefixed, text.first != "▁" { text.insert("▁", at: 0) }
      return splits ? Self.split(text[...], at: ["▁"], .mergedWithNext) : [text[...]]
    case .literal(let text, let behavior): return Self.split(word, at: text, behavior)
    }
  }

  private enum Kind { case alone, run, other }

  /// Runs of characters of one kind; some stand alone.
  private static func pieces(of word: Word, _ kind: (Unicode.Scalar) -> Kind) -> [Word] {
    var pieces: [Word] = []
    var start = word.startIndex
    var last: Kind?
    for index in word.indices {
      let kind = kind(word[index])
      if index > start, kind == .alone || kind != last {
        pieces.append(word[start..<index])
        start = index
      }
      last = kind
    }
    return start < word.endIndex ? pieces + [word[start...]] : pieces
  }

  /// ASCII's punctuation and Unicode's.
  private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "!"..."/", ":"..."@", "["..."`", "{"..."~": return true
    default: break
    }
    switch scalar.properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }

  private static func split(_ word: Word, at text: [Unicode.Scalar], _ behavior: Behavior) -> [Word]
  {
    var pieces: [Word] = []
    var start = word.startIndex
    var position = start
    func cut(to end: Int) {
      if start < end { pieces.append(word[start..<end]) }
      start = end
    }
    while position < word.endIndex {
      guard !text.isEmpty, word[position...].starts(with: text) else {
        position += 1
        continue
      }
      let end = position + text.count
      switch behavior {
      case .removed:
        cut(to: position)
        start = end
      case .isolated:
        cut(to: position)
        cut(to: end)
      case .mergedWithPrevious: cut(to: end)
      case .mergedWithNext: cut(to: position)
      }
      position = end
    }
    cut(to: word.endIndex)
    return pieces
  }
}
