/// A step that cuts a normalised text into words: the pre-tokenizers of the `tokenizers` library (0.23).
enum TextSplitter: Sendable, Equatable {
  enum Prefix: String, Sendable { case always, first, never }
  enum Behavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    /// Matches next to each other are one word.
    case contiguous = "Contiguous"
  }

  /// A regular expression that ``WordSplit`` matches.
  case words(WordSplit)
  /// A space in front of what has none.
  case addsSpace
  /// At white space, which goes.
  case whitespace
  /// At white space, which goes; letters, digits, marks and `_` apart from all else: `\w+|[^\w\s]+`.
  case wordsAndRest
  /// At white space, which goes; punctuation stands alone.
  case bert
  case punctuation(Behavior)
  /// Digits apart from all else, and from each other if they are individual.
  case digits(areIndividual: Bool)
  /// `▁` for spaces, and maybe in front; words begin with it.
  case metaspace(Prefix, splits: Bool)
  /// At a text; or at all between, where the two change places.
  case literal([Unicode.Scalar], Behavior, isInverted: Bool = false)
  /// Into words of as many characters.
  case fixedLength(Int)

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
    case .wordsAndRest:
      return word.split { $0.properties.isWhitespace }
        .flatMap { Self.pieces(of: $0) { AddedVocabulary.isWord($0) ? .run : .other } }
    case .bert:
      return word.split { $0.properties.isWhitespace }
        .flatMap { Self.pieces(of: $0) { Self.isPunctuation($0) ? .alone : .other } }
    case .punctuation(let behavior):
      return Self.split(word, behavior) { Self.isPunctuation(word[$0]) ? 1 : 0 }
    case .digits(let areIndividual):
      return Self.pieces(of: word) {
        ScalarKind($0) == .number ? areIndividual ? .alone : .run : .other
      }
    case .metaspace(let prefix, let splits):
      var text = word.map { $0 == " " ? "▁" : $0 }
      let isPrefixed = prefix == .always || prefix == .first && isFirst
      if isPrefixed, text.first != "▁" { text.insert("▁", at: 0) }
      guard splits else { return [text[...]] }
      return Self.split(text[...], .mergedWithNext) { text[$0] == "▁" ? 1 : 0 }
    case .literal(let text, let behavior, let isInverted):
      return Self.split(word, behavior, isInverted) {
        word[$0...].starts(with: text) ? text.count : 0
      }
    case .fixedLength(let length):
      return stride(from: word.startIndex, to: word.endIndex, by: length).map {
        word[$0..<min($0 + length, word.endIndex)]
      }
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

  /// ASCII's punctuation and Unicode 8's, which the library's table is of.
  private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "!"..."/", ":"..."@", "["..."`", "{"..."~", "\u{166D}", "\u{111C9}": return true
    case _ where scalar.isASCII || scalar.isNewer(than: 8): return false
    default: break
    }
    switch scalar.properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }

  /// Cuts a word at matches; `match` is the length of that at a position, or 0. Inverted, what is between the matches
  /// counts as them, and they as what is between.
  private static func split(
    _ word: Word, _ behavior: Behavior, _ isInverted: Bool = false, _ match: (Int) -> Int
  ) -> [Word] {
    var parts: [(range: Range<Int>, isMatch: Bool)] = []
    var start = word.startIndex
    var position = start
    while position < word.endIndex {
      let length = match(position)
      guard length > 0 else {
        position += 1
        continue
      }
      if start < position { parts.append((start..<position, isInverted)) }
      parts.append((position..<position + length, !isInverted))
      position += length
      start = position
    }
    if start < word.endIndex { parts.append((start..<word.endIndex, isInverted)) }
    return join(parts, behavior).map { word[$0] }
  }

  /// What becomes of matches.
  private static func join(_ parts: [(range: Range<Int>, isMatch: Bool)], _ behavior: Behavior)
    -> [Range<Int>]
  {
    var words: [Range<Int>] = []
    var last: Bool?
    for part in parts {
      let joins =
        switch behavior {
        case .removed, .isolated: false
        case .mergedWithPrevious: part.isMatch && last == false
        case .mergedWithNext: !part.isMatch && last == true
        case .contiguous: part.isMatch == last
        }
      if joins, let word = words.popLast() {
        words.append(word.lowerBound..<part.range.upperBound)
      } else if behavior != .removed || !part.isMatch {
        words.append(part.range)
      }
      last = part.isMatch
    }
    return words
  }
}
