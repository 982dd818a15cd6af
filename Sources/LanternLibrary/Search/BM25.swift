import LanternPlatform

/// Okapi BM25 as rank_bm25's `BM25Okapi` has it (Robertson and others, TREC-3, with a floor for common words):
///
///     score = Σ idf(w) · f(w) · (k1 + 1) / (f(w) + k1 · (1 − b + b · length / mean length))
///     idf(w) = ln(N − n(w) + ½) − ln(n(w) + ½), or ε · the mean idf of all words where that is below 0
///
/// over the words of the question, each as often as it stands there; f is how often a passage has a word, n in how
/// many of all N passages it is. (FTS5's own `bm25()` has k1 1.2, another idf and another sign.)
package struct BM25: Sendable {
  package static let k1 = 1.5
  package static let b = 0.75
  package static let epsilon = 0.25

  /// Passages in all.
  let passageCount: Int
  /// Words of a passage on average.
  let meanLength: Double

  /// The weight of a word that is in `count` passages, before the floor.
  func inverseFrequency(_ count: Int) -> Double {
    let (all, count) = (Double(passageCount), Double(count))
    return log(all - count + 0.5) - log(count + 0.5)
  }

  /// What a word that a passage of `length` words has `frequency` times adds to its score, for a weight of 1.
  func part(frequency: Int, length: Int) -> Double {
    let frequency = Double(frequency)
    let norm = Self.k1 * (1 - Self.b + Self.b * Double(length) / meanLength)
    return frequency * (Self.k1 + 1) / (frequency + norm)
  }
}

/// Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).
package enum ReciprocalRank {
  package static let k = 60.0

  /// Merges rankings: an item's score is the sum of 1 / (60 + rank) over those that have it, ranks from 1.
  ///
  /// - Parameter rankings: items, best first.
  /// - Returns: items with their scores, best first; of equal ones the smaller item.
  package static func fused(_ rankings: [[Int64]]) -> [(id: Int64, score: Double)] {
    var scores: [Int64: Double] = [:]
    for ranking in rankings {
      for (index, id) in ranking.enumerated() {
        scores[id, default: 0] += 1 / (k + Double(index + 1))
      }
    }
    return ranked(scores, top: scores.count)
  }

  /// The best items by their scores; of equal ones the smaller item first.
  static func ranked(_ scores: [Int64: Double], top: Int) -> [(id: Int64, score: Double)] {
    let all = scores.map { (id: $0.key, score: $0.value) }.sorted {
      ($1.score, $0.id) < ($0.score, $1.id)
    }
    return Array(all.prefix(top))
  }
}
