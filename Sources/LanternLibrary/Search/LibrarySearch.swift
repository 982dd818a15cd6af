import GRDB
import LanternFormats
import LanternTensor

/// How passages are found.
package enum SearchMethod: String, Sendable, CaseIterable {
  /// By the words that they share with the question.
  case bm25
  /// By the product of their vectors.
  case dense
  /// By both, ranks merged.
  case fused
}

/// Searches a library, as it was when this was made.
package struct LibrarySearch: Sendable {
  private let library: Library
  private let encoder: LibraryEncoder?
  /// Words of each passage.
  private let lengths: [Int64: Int]
  private let formula: BM25
  private let dense: DenseIndex?
  /// The weight of words that are in more than half of the passages.
  private let floor: Double

  /// Passages that each method ranks before ranks are merged.
  static let fusedDepth = 100

  /// Reads what searches need.
  ///
  /// - Parameters:
  ///   - library: what is searched.
  ///   - encoder: the model of its vectors; nil for words alone.
  /// - Throws: ``LibraryError``, `TensorError`.
  package init(_ library: Library, encoder: LibraryEncoder? = nil) throws {
    (self.library, self.encoder) = (library, encoder)
    let features = encoder?.model.features
    (lengths, formula, floor, dense) = try library.read { db in
      var lengths: [Int64: Int] = [:]
      var total = 0
      let rows = try Row.fetchCursor(db, sql: "SELECT id, length FROM passage")
      while let row = try rows.next() {
        let length: Int = row[1]
        lengths[row[0]] = length
        total += length
      }
      let formula = BM25(
        passageCount: lengths.count, meanLength: Double(total) / Double(max(lengths.count, 1)))
      let vectors = try features.map { try db.vectors(features: $0) }
      let dense = try vectors.map { vectors in
        try DenseIndex(ids: vectors.ids, values: vectors.values, features: features ?? 0)
      }
      return (lengths, formula, try Self.floor(formula, db), dense)
    }
  }

  /// ε times the mean weight of all words, before any floor.
  private static func floor(_ formula: BM25, _ db: Database) throws -> Double {
    // How many words are in as many passages: most are in few.
    var (sum, words) = (0.0, 0)
    let rows = try Row.fetchCursor(db, sql: "SELECT doc, COUNT(*) FROM word_row GROUP BY doc")
    while let row = try rows.next() {
      let (passages, count): (Int, Int) = (row[0], row[1])
      sum += Double(count) * formula.inverseFrequency(passages)
      words += count
    }
    return words == 0 ? 0 : BM25.epsilon * sum / Double(words)
  }

  /// The best passages for a question.
  ///
  /// - Parameters:
  ///   - query: the question.
  ///   - top: how many at most.
  ///   - method: how they are found; by both where the library has vectors, or else by words, when nil.
  /// - Returns: passages, best first.
  /// - Throws: ``LibraryError/emptyQuery``, ``LibraryError/noVectors(library:)``, or an error of the model's.
  package func search(_ query: String, top: Int = 5, method: SearchMethod? = nil) throws
    -> [FoundPassage]
  {
    let method = method ?? (encoder == nil ? .bm25 : .fused)
    let ranked: [(id: Int64, score: Double)]
    switch method {
    case .bm25: ranked = try rankedByWords(query, top: top)
    case .dense: ranked = try rankedByVectors(query, top: top)
    case .fused:
      let depth = max(Self.fusedDepth, top)
      // A question without words, as of signs alone, has a vector nevertheless.
      let words = SearchWords.words(of: query).isEmpty
      let both = [
        words ? [] : try rankedByWords(query, top: depth).map(\.id),
        try rankedByVectors(query, top: depth).map(\.id),
      ]
      ranked = Array(ReciprocalRank.fused(both).prefix(top))
    }
    return try found(ranked)
  }

  // MARK: Ranks

  /// Passages by Okapi BM25.
  func rankedByWords(_ query: String, top: Int) throws -> [(id: Int64, score: Double)] {
    let words = SearchWords.words(of: query)
    guard !words.isEmpty else { throw LibraryError.emptyQuery }
    return try library.read { db in
      var known: [String: [(id: Int64, frequency: Int)]] = [:]
      for word in Set(words) {
        let rows = try Row.fetchCursor(
          db, sql: "SELECT doc, COUNT(*) FROM word_instance WHERE term = ? GROUP BY doc",
          arguments: [word])
        var postings: [(id: Int64, frequency: Int)] = []
        while let row = try rows.next() { postings.append((row[0], row[1])) }
        known[word] = postings
      }
      var scores: [Int64: Double] = [:]
      for word in words {
        guard let postings = known[word], !postings.isEmpty else { continue }
        let own = formula.inverseFrequency(postings.count)
        let weight = own < 0 ? floor : own
        for (id, frequency) in postings {
          // What was added since is no part of this search.
          guard let length = lengths[id] else { continue }
          scores[id, default: 0] += weight * formula.part(frequency: frequency, length: length)
        }
      }
      return ReciprocalRank.ranked(scores, top: top)
    }
  }

  /// Passages by the products of vectors.
  func rankedByVectors(_ query: String, top: Int) throws -> [(id: Int64, score: Double)] {
    guard let encoder, let dense, !dense.ids.isEmpty else {
      throw LibraryError.noVectors(library: library.name)
    }
    return try dense.nearest(to: encoder.vector(ofQuery: query), top: top)
  }

  /// What the library says of passages.
  private func found(_ ranked: [(id: Int64, score: Double)]) throws -> [FoundPassage] {
    try library.read { db in
      try ranked.compactMap { id, score in
        let row = try Row.fetchOne(
          db,
          sql: """
            SELECT source, title, location.heading AS heading, page, text
            FROM location JOIN document ON document.id = document_id
            JOIN passage ON passage.id = passage_id
            WHERE passage_id = ? ORDER BY document_id, position LIMIT 1
            """, arguments: [id])
        return row.map {
          FoundPassage(
            id: id, score: score, source: $0["source"], title: $0["title"],
            heading: $0["heading"], page: $0["page"], text: $0["text"])
        }
      }
    }
  }
}
