/// A model of subword tokens: what a normalised word is cut into.
protocol PieceModel: Sendable {
  /// The ids of a word.
  func encode(_ word: ArraySlice<Unicode.Scalar>) -> [Int32]
}

/// What a model makes of characters that no token has.
struct UnknownCharacters: Sendable {
  /// The id of the unknown token; nil where such characters are left out.
  let id: Int32?
  /// The tokens of bytes, `<0x00>` to `<0xFF>`, of which an unknown character may be made; empty for none.
  let bytes: [Int32]
  /// Whether unknown characters next to each other are one token.
  let isFused: Bool

  /// - Parameters:
  ///   - id: see ``id``.
  ///   - vocabulary: where the tokens of bytes are looked up; nil where bytes are not wanted.
  ///   - isFused: see ``isFused``.
  init(id: Int32?, bytesOf vocabulary: TokenTable?, isFused: Bool) {
    (self.id, self.isFused) = (id, isFused)
    let all = (0..<256).compactMap { vocabulary?[Self.name(of: UInt8($0))] }
    bytes = all.count == 256 ? all : []
  }

  /// What a vocabulary calls a byte.
  static func name(of byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x\(digits.utf8.count < 2 ? "0" : "")\(digits)>"
  }

  /// The byte of a token's name; nil for other tokens.
  static func byte(of name: String) -> UInt8? {
    guard name.utf8.count == 6, name.hasPrefix("<0x"), name.hasSuffix(">") else { return nil }
    return UInt8(name.dropFirst(3).dropLast(), radix: 16)
  }

  /// Adds what stands for an unknown piece.
  func append(_ piece: some Sequence<Unicode.Scalar>, to ids: inout [Int32], isFirst: Bool) {
    if !bytes.isEmpty {
      for scalar in piece {
        ids += (UTF8.encode(scalar).map(Array.init) ?? []).map { bytes[Int($0)] }
      }
    } else if let id, isFirst || !isFused {
      ids.append(id)
    }
  }
}

/// BPE of characters by a list of merges: the `BPE` model of the `tokenizers` library (0.23), as of Llama 2's, Mistral's
/// and Gemma's `tokenizer.json`.
struct CharacterPairs: PieceModel {
  let vocabulary: TokenTable
  let merges: [BytePairEncoding.Pair: Merge]
  let unknown: UnknownCharacters
  /// Whether a word that is a token is taken whole: `ignore_merges`.
  let takesWholeWords: Bool

  func encode(_ word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    if takesWholeWords, let id = vocabulary[String(String.UnicodeScalarView(word))] { return [id] }
    var ids: [Int32] = []
    var wasUnknown = false
    for scalar in word {
      if let id = vocabulary[String(scalar)] {
        ids.append(id)
        wasUnknown = false
      } else {
        unknown.append([scalar], to: &ids, isFirst: !wasUnknown)
        wasUnknown = true
      }
    }
    return BytePairEncoding.merged(ids, merges)
  }
}

/// BPE by scores: of all adjacent pairs that are a token together the one of highest score is merged, the leftmost of
/// equals. sentencepiece's (0.2), and tiktoken's, whose symbols are bytes and whose scores are ranks.
struct ScoredPairs: PieceModel {
  private let pieces: TokenTable
  /// By position in the table.
  private let ranks: [Int32]
  private let longest: Int
  /// Tokens that are not for use: one is taken apart again into what it was merged from.
  private let unused: Set<Int32>
  private let unknown: UnknownCharacters
  private let isOfBytes: Bool

  /// - Parameters:
  ///   - pieces: the tokens that text may become, with their scores.
  ///   - unused: see ``unused``.
  ///   - unknown: what characters without a token become.
  ///   - isOfBytes: whether symbols are bytes and not characters.
  init(
    _ pieces: some Collection<(bytes: ArraySlice<UInt8>, id: Int32, score: Float)>,
    unused: Set<Int32> = [], unknown: UnknownCharacters, isOfBytes: Bool = false
  ) {
    var table = TokenTable()
    table.reserveCapacity(pieces.count)
    var ranks: [Int32] = []
    ranks.reserveCapacity(pieces.count)
    var longest = 0
    for piece in pieces {
      table.add(piece.bytes, id: piece.id)
      ranks.append(Self.rank(of: piece.score))
      longest = max(longest, piece.bytes.count)
    }
    (self.pieces, self.ranks, self.longest) = (table, ranks, longest)
    (self.unused, self.unknown, self.isOfBytes) = (unused, unknown, isOfBytes)
  }

  /// Integers in the order of scores, the highest first: the bits of a float are so, but for their sign.
  private static func rank(of score: Float) -> Int32 {
    let bits = Int32(bitPattern: (-score + 0).bitPattern)
    return bits < 0 ? Int32.min - bits : bits
  }

  /// What bytes are merged into.
  private func merge(_ bytes: ArraySlice<UInt8>) -> Merge? {
    guard let position = bytes.withUnsafeBytes({ pieces.position(of: $0) }) else { return nil }
    return Merge(rank: ranks[position], id: pieces.id(at: position))
  }

  func encode(_ word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    let characters = word.map { UTF8.encode($0).map(Array.init) ?? [] }
    let bytes = characters.flatMap { $0 }
    var ends: [Int] = []
    for character in characters where !isOfBytes { ends.append((ends.last ?? 0) + character.count) }
    if isOfBytes { ends = Array(1...max(1, bytes.count)).filter { $0 <= bytes.count } }
    let starts = [0] + ends.dropLast()
    var parts: [Range<Int>: Int] = [:]
    let positions = PairMerging.positions(count: ends.count) { left, right in
      let range = starts[left]..<ends[right]
      return range.count <= longest ? merge(bytes[range]) : nil
    } join: { left, right, id in
      if unused.contains(id) { parts[starts[left]..<ends[right]] = ends[left] }
      ends[left] = ends[right]
    }
    var result: [Int32] = []
    var wasUnknown = false
    for position in positions {
      append(starts[position]..<ends[position], bytes, parts, &result, &wasUnknown)
    }
    return result
  }

  /// Adds the tokens of a range that was merged; one that is not for use in its parts.
  private func append(
    _ range: Range<Int>, _ bytes: [UInt8], _ parts: [Range<Int>: Int], _ result: inout [Int32],
    _ wasUnknown: inout Bool
  ) {
    var waiting = [range]
    while let range = waiting.popLast() {
      let id = merge(bytes[range])?.id
      if let id, !unused.contains(id) {
        result.append(id)
        wasUnknown = false
      } else if let middle = parts[range] {
        waiting += [middle..<range.upperBound, range.lowerBound..<middle]
      } else {
        let text = String(decoding: bytes[range], as: UTF8.self).unicodeScalars
        unknown.append(text, to: &result, isFirst: !wasUnknown)
        wasUnknown = true
      }
    }
  }
}

/// Unigram: of all ways to cut a text into tokens the one of the highest sum of scores. sentencepiece's, and the
/// `Unigram` model of the `tokenizers` library (0.23); Kudo 2018, arXiv:1804.10959.
struct UnigramPieces: PieceModel {
  private let trie: TokenTrie
  private let scores: [Double]
  private let unknownScore: Double
  private let unknown: UnknownCharacters

  /// - Parameters:
  ///   - pieces: the tokens that text may become, by id, with their scores; nil for ids that it may not.
  ///   - unknown: what characters without a token become.
  init(_ pieces: [(text: String, score: Double)?], unknown: UnknownCharacters) {
    var trie = TokenTrie()
    for (id, piece) in pieces.enumerated() {
      if let piece { trie.add(Array(piece.text.unicodeScalars), id: Int32(clamping: id)) }
    }
    self.trie = trie
    scores = pieces.map { $0?.score ?? 0 }
    // Ten below the least likely token.
    unknownScore = (pieces.compactMap { $0?.score }.min() ?? 0) - 10
    self.unknown = unknown
  }

  func encode(_ word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    // The best way to each position: its score, where its last token begins, and its id, -1 for an unknown character.
    var best = Array(
      repeating: (score: -Double.infinity, start: 0, id: Int32(-1)), count: word.count + 1)
    best[0].score = 0
    for start in 0..<word.count {
      var hasSingle = false
      trie.matches(at: word.startIndex + start, in: word) { id, end in
        let length = end - word.startIndex - start
        if length == 1 { hasSingle = true }
        let score = best[start].score + scores[Int(id)]
        if score > best[start + length].score { best[start + length] = (score, start, id) }
      }
      let score = best[start].score + unknownScore
      if !hasSingle, score > best[start + 1].score { best[start + 1] = (score, start, -1) }
    }
    var pieces: [(id: Int32, range: Range<Int>)] = []
    var end = word.count
    while end > 0 {
      pieces.append((best[end].id, best[end].start..<end))
      end = best[end].start
    }
    var ids: [Int32] = []
    var wasUnknown = false
    for piece in pieces.reversed() {
      if piece.id >= 0 {
        ids.append(piece.id)
      } else {
        let text = word.dropFirst(piece.range.lowerBound).prefix(piece.range.count)
        unknown.append(text, to: &ids, isFirst: !wasUnknown)
      }
      wasUnknown = piece.id < 0
    }
    return ids
  }
}

/// WordPiece: the longest token at each position, of which all but a word's first begin with a prefix; a word that
/// cannot be cut so is unknown as a whole. The `WordPiece` model of the `tokenizers` library (0.23), BERT's.
struct WordPieces: PieceModel {
  private let first: TokenTrie
  private let later: TokenTrie
  private let unknown: Int32
  private let maximumLength: Int

  /// - Parameters:
  ///   - vocabulary: ids by token.
  ///   - prefix: what tokens within a word begin with, as `##`.
  ///   - unknown: the id of an unknown word.
  ///   - maximumLength: characters of a word; a longer one is unknown.
  init(_ vocabulary: TokenTable, prefix: String, unknown: Int32, maximumLength: Int) {
    var (first, later) = (TokenTrie(), TokenTrie())
    let start = Array(prefix.unicodeScalars)
    for (token, id) in vocabulary {
      let scalars = Array(token.unicodeScalars)
      first.add(scalars, id: id)
      if scalars.starts(with: start) { later.add(Array(scalars.dropFirst(start.count)), id: id) }
    }
    (self.first, self.later, self.unknown) = (first, later, unknown)
    self.maximumLength = maximumLength
  }

  func encode(_ word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    guard word.count <= maximumLength else { return [unknown] }
    var ids: [Int32] = []
    var position = word.startIndex
    while position < word.endIndex {
      let trie = position == word.startIndex ? first : later
      guard let found = trie.longest(at: position, in: word) else { return [unknown] }
      ids.append(found.id)
      position = found.end
    }
    return ids
  }
}

/// BPE of bytes in a tokenizer of steps.
struct BytePairs: PieceModel {
  private let encoding: BytePairEncoding
  /// Tokens by their bytes, where words that are tokens are taken whole: `ignore_merges`.
  private let whole: TokenTable

  init(
    vocabulary: TokenTable, merges: [BytePairEncoding.Pair: Merge], takesWholeWords: Bool
  ) {
    encoding = BytePairEncoding(
      vocabulary: vocabulary, merges: merges, wordEnd: "", unknown: 0)
    var whole = TokenTable()
    if takesWholeWords {
      for (token, id) in vocabulary { whole.add(BytePairEncoding.bytes(of: token), id: id) }
    }
    self.whole = whole
  }

  func encode(_ word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    let bytes = word.flatMap { UTF8.encode($0).map(Array.init) ?? [] }
    return bytes.withUnsafeBytes { whole.id(of: $0) }.map { [$0] } ?? encoding.encode(bytes)
  }
}
