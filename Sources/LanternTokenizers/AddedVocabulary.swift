/// The added vocabulary: tokens that are matched before pre-tokenisation, as `<|endoftext|>` and those of
/// textual inversion.
///
/// Equals `AddedVocabulary` of the `tokenizers` library (0.23) as `transformers` (5.24) fills it: the
/// longest match at a position counts; tokens that are not normalised are matched first, in the input, the
/// others in the normalised text between them.
struct AddedVocabulary: Sendable {
  /// Ids by token.
  private(set) var ids: [String: Int32] = [:]
  /// A line for each deviation from the tokenizer's files.
  var notes: [String] = []
  private var tokens: [Int32: AddedToken] = [:]
  private var typed = TokenTrie()
  private var normalized = TokenTrie()
  private let normalize: @Sendable (ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar]
  /// The tokens of all vectors, joined by spaces, by the id of a token with several.
  private var severalVectors: [Int32: String] = [:]
  /// All tokens, not normalised.
  private var spelled = TokenTrie()

  /// Assigns ids to tokens: those of the vocabulary keep theirs, the others follow the last id.
  ///
  /// - Parameters:
  ///   - list: tokens in order; of duplicates the flags of the last count.
  ///   - vocabulary: the ids of all other tokens.
  ///   - normalize: the normaliser.
  init(
    _ list: [AddedToken], vocabulary: TokenTable,
    normalize: @escaping @Sendable (ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar]
  ) {
    self.normalize = normalize
    var last = Int32(clamping: vocabulary.count - 1)
    var order: [Int32] = []
    for token in list where !token.content.isEmpty {
      let id =
        ids[token.content] ?? vocabulary[token.content] ?? (last < .max ? last + 1 : last)
      last = max(last, id)
      if ids.updateValue(id, forKey: token.content) == nil { order.append(id) }
      tokens[id] = token
    }
    let all = order.compactMap { id in tokens[id].map { (id, $0) } }
    for (id, token) in all.filter(\.1.isSpecial) + all.filter({ !$0.1.isSpecial }) {
      let text = Array(token.content.unicodeScalars)
      if token.isNormalized {
        normalized.add(normalize(text[...]), id: id)
      } else {
        typed.add(text, id: id)
      }
    }
    findSeveralVectors()
  }

  /// Textual inversion saves the further vectors of `<toy>` as `<toy>_1`, `<toy>_2` and so on.
  private mutating func findSeveralVectors() {
    for (content, id) in ids {
      var all = [content]
      while ids["\(content)_\(all.count)"] != nil { all.append("\(content)_\(all.count)") }
      if all.count > 1 { severalVectors[id] = all.joined(separator: " ") }
    }
    guard !severalVectors.isEmpty else { return }
    for (content, id) in ids { spelled.add(Array(content.unicodeScalars), id: id) }
  }

  /// Calls `token` for each match, with its slice of the text, and `plain` for each normalised slice between,
  /// in order.
  ///
  /// - Parameters:
  ///   - text: the input.
  ///   - mayBeSpecial: whether a part of the text may be a special token.
  ///   - token: called with an id and its slice.
  ///   - plain: called with text for pre-tokenisation.
  func split(
    _ text: ArraySlice<Unicode.Scalar>, mayBeSpecial: (Range<Int>) -> Bool = { _ in true },
    token: (Int32, ArraySlice<Unicode.Scalar>) -> Void,
    plain: (ArraySlice<Unicode.Scalar>) -> Void
  ) {
    find(typed, in: text, mayBeSpecial, token) { stretch in
      // Where a normalised character comes from is not known.
      let isSpecial = mayBeSpecial(stretch.indices)
      find(normalized, in: normalize(stretch)[...], { _ in isSpecial }, token, plain)
    }
  }

  /// Whether a token is special.
  func isSpecial(_ id: Int32) -> Bool { tokens[id]?.isSpecial == true }

  /// The first special token of a text, and what stands before it.
  func firstSpecial(in text: String) -> (before: String, id: Int)? {
    var before = String.UnicodeScalarView()
    var found: Int?
    split(Array(text.unicodeScalars)[...]) { id, stretch in
      guard found == nil else { return }
      if isSpecial(id) {
        found = Int(id)
      } else {
        before.append(contentsOf: stretch)
      }
    } plain: { stretch in
      if found == nil { before.append(contentsOf: stretch) }
    }
    return found.map { (String(before), $0) }
  }

  private func find(
    _ trie: TokenTrie, in text: ArraySlice<Unicode.Scalar>, _ mayBeSpecial: (Range<Int>) -> Bool,
    _ token: (Int32, ArraySlice<Unicode.Scalar>) -> Void,
    _ plain: (ArraySlice<Unicode.Scalar>) -> Void
  ) {
    var done = text.startIndex
    var position = done
    // The end of the last white space stripped by a token: tokens may be white space themselves.
    var spaceEnd = done
    while position < text.endIndex {
      guard let found = trie.longest(at: position, in: text), let flags = tokens[found.id] else {
        position += 1
        continue
      }
      var (start, end) = (position, found.end)
      position = end
      if flags.isSpecial, !mayBeSpecial(start..<end) { continue }
      if flags.isSingleWord, Self.isWord(text[..<start].last) || Self.isWord(text[end...].first) {
        continue
      }
      if flags.stripsLeft {
        let word = text[min(done, start)..<start].lastIndex { ScalarKind($0) != .space }
        start = max(done, word.map { $0 + 1 } ?? text.startIndex)
      }
      if flags.stripsRight {
        let from = max(end, spaceEnd)
        end = text[from...].firstIndex { ScalarKind($0) != .space } ?? text.endIndex
        spaceEnd = end
      }
      if done < start { plain(text[done..<start]) }
      token(found.id, text[min(start, end)..<end])
      done = end
    }
    if done < text.endIndex { plain(text[done...]) }
  }

  /// The class `\w` of regular expressions (Unicode Technical Standard 18, annex C).
  private static func isWord(_ scalar: Unicode.Scalar?) -> Bool {
    guard let properties = scalar?.properties else { return false }
    return switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
    default: properties.isAlphabetic || properties.isJoinControl
    }
  }

  /// The text with all vectors of tokens that have several: ``Tokenizer/withAllVectors(_:)``.
  func withAllVectors(_ text: String) -> String {
    guard !severalVectors.isEmpty else { return text }
    let scalars = Array(text.unicodeScalars)
    var there: Set<Int32> = []
    split(scalars[...]) { id, stretch in
      // As in diffusers, which compares the token with the text of all matches: one with stripped white
      // space, or normalised, does not count.
      if severalVectors[id] != nil,
        tokens[id].map({ Array($0.content.unicodeScalars)[...] }) == stretch
      {
        there.insert(id)
      }
    } plain: { _ in
    }
    guard !there.isEmpty else { return text }
    var result = String.UnicodeScalarView()
    var position = 0
    while position < scalars.count {
      guard let found = spelled.longest(at: position, in: scalars[...]) else {
        result.append(scalars[position])
        position += 1
        continue
      }
      let stretch = scalars[position..<found.end]
      if there.contains(found.id), let all = severalVectors[found.id],
        !isSecond(after: found.id, scalars[found.end...])
      {
        result.append(contentsOf: all.unicodeScalars)
      } else {
        result.append(contentsOf: stretch)
      }
      position = found.end
    }
    return String(result)
  }

  /// Whether a text begins with the second vector of a token: all are written out already.
  private func isSecond(after id: Int32, _ text: ArraySlice<Unicode.Scalar>) -> Bool {
    guard let content = tokens[id]?.content else { return false }
    return text.drop { ScalarKind($0) == .space }.starts(with: "\(content)_1".unicodeScalars)
  }
}
