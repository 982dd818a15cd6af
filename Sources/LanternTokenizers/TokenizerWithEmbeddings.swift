/// A tokenizer with words of its own over another: those of textual inversion, each of one or more vectors
/// (Gal et al. 2022, arXiv:2208.01618).
///
/// A word is matched in any case, not within longer words. It stands for all of its vectors, as do
/// `embedding:word` and the vectors' tokens written out, `word word_1 word_2`; `word_1` alone is the second
/// vector.
package struct TokenizerWithEmbeddings: Tokenizer {
  private let base: any Tokenizer
  private let firstID: Int
  /// Words, and the ids of their vectors.
  private let words: PromptWords<Range<Int>>
  /// The words of ids, for decoding.
  private let names: [Int: String]
  /// How many vectors a word has whose first id this is.
  private let lengths: [Int: Int]
  private let idCount: Int

  /// Adds words to a tokenizer.
  ///
  /// - Parameters:
  ///   - base: the tokenizer.
  ///   - embeddings: each with its words and the number of its vectors.
  ///   - firstID: the id of the first vector; the others follow in order.
  package init(
    _ base: any Tokenizer, adding embeddings: [(words: [String], vectors: Int)], firstID: Int
  ) {
    self.base = base
    self.firstID = firstID
    var words: [(text: String, meaning: Range<Int>)] = []
    var (names, lengths): ([Int: String], [Int: Int]) = ([:], [:])
    var id = firstID
    for (texts, count) in embeddings {
      let ids = id..<id + count
      for text in texts {
        let numbered = (0..<count).map { $0 == 0 ? text : "\(text)_\($0)" }
        if count > 1 { words.append((numbered.joined(separator: " "), ids)) }
        for (index, name) in numbered.enumerated().dropFirst() {
          words.append((name, id + index..<id + index + 1))
        }
        words += EmbeddingCalls.spellings(of: text).map { ($0, ids) }
      }
      for (index, id) in ids.enumerated() {
        names[id] = texts.first.map { index == 0 ? $0 : "\($0)_\(index)" }
      }
      lengths[id] = count
      id += count
    }
    self.words = PromptWords(words)
    (self.names, self.lengths, idCount) = (names, lengths, id - firstID)
  }

  package var count: Int { firstID + idCount }
  package var endOfText: Int { base.endOfText }
  package var window: TokenWindow { base.window }
  package var notes: [String] { base.notes }

  package func encode(_ text: String, readsSpecial: Bool) -> [Int] {
    var ids: [Int] = []
    words.split(text) { plain, word in
      if !plain.isEmpty { ids += base.encode(plain, readsSpecial: readsSpecial) }
      ids += word ?? 0..<0
    }
    return ids
  }

  package func decode(_ ids: [Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    var plain: [Int] = []
    for id in ids {
      guard let name = names[id] else {
        plain.append(id)
        continue
      }
      bytes += base.decode(plain) + Array("\(name) ".utf8)
      plain = []
    }
    return bytes + base.decode(plain)
  }

  package func withAllVectors(_ text: String) -> String { base.withAllVectors(text) }

  package func withoutAddedTokens(_ text: String) -> String {
    base.withoutAddedTokens(withoutWords(text))
  }

  package func vectorCount(from id: Int) -> Int { lengths[id] ?? base.vectorCount(from: id) }

  /// The text with a space for each of the words.
  package func withoutWords(_ text: String) -> String {
    var rest = ""
    words.split(text) { plain, word in rest += plain + (word == nil ? "" : " ") }
    return rest
  }
}
