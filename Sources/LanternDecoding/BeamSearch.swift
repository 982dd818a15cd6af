import LanternPlatform

/// Beam search: of the texts that go on from a prompt, the likeliest that a few at a time lead to, as transformers'
/// `num_beams` finds them without sampling.
package struct BeamSearch: Sendable {
  /// A text and what it is worth.
  package struct Beam: Sendable {
    /// Its tokens, with the one that ends it.
    package let ids: [Int]
    /// The sum of its tokens' log-probabilities; of a finished one over length to the power of the penalty.
    package let score: Float
    /// The beam that it goes on from, of those before.
    package let origin: Int
  }

  private let count: Int
  private let lengthPenalty: Float
  private let ends: Set<Int>
  private let minimum: Int
  private let maximum: Int
  /// The texts that go on, the likeliest first; as many as beams after the first step.
  package private(set) var running = [Beam(ids: [], score: 0, origin: 0)]
  /// The best finished texts, the best first: as many as beams at most.
  package private(set) var finished: [Beam] = []

  /// - Parameters:
  ///   - count: beams, two at least.
  ///   - lengthPenalty: exponent of the length that a finished text's score is divided by; above 0 for longer texts.
  ///   - ends: tokens that end a text.
  ///   - minimum: tokens before which no text ends.
  ///   - maximum: tokens of a text at most.
  package init(count: Int, lengthPenalty: Float, ends: Set<Int>, minimum: Int, maximum: Int) {
    (self.count, self.lengthPenalty, self.ends) = (count, lengthPenalty, ends)
    (self.minimum, self.maximum) = (minimum, maximum)
  }

  /// Takes the next token of every beam.
  ///
  /// - Parameter scores: behind each running text, logits.
  /// - Returns: whether the search goes on, with other running texts.
  package mutating func step(_ scores: [[Float]]) -> Bool {
    let length = (running.first?.ids.count ?? 0) + 1
    let next = candidates(scores, length)
    let isEnded = next.map { length >= maximum || ends.contains($0.ids.last ?? -1) }
    for (beam, hasEnded) in zip(next, isEnded).prefix(count) where hasEnded {
      let worth = beam.score / pow(Float(length), lengthPenalty)
      finished.append(Beam(ids: beam.ids, score: worth, origin: beam.origin))
    }
    // Of equal scores what was there before stays before.
    finished = Array(
      finished.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
        .map(\.element).prefix(count))
    running = Array(zip(next, isEnded).filter { !$0.1 }.map(\.0).prefix(count))
    guard let best = running.first else { return false }
    // transformers' `early_stopping` of false: the best running text against the worst finished one, as if it ended here.
    guard finished.count == count, let worst = finished.last else { return true }
    return best.score / pow(Float(length), lengthPenalty) > worst.score
  }

  /// The likeliest next texts: so many that enough go on where every beam may end with each of the ends.
  private func candidates(_ scores: [[Float]], _ length: Int) -> [Beam] {
    let most = max(2, 1 + ends.count) * count
    var all: [(id: Int, score: Float, origin: Int)] = []
    for (origin, row) in scores.enumerated() where running.indices.contains(origin) {
      let logarithms = LogProbabilities(row)
      var row = row
      if length <= minimum {
        for id in ends where row.indices.contains(id) { row[id] = -.infinity }
      }
      for id in LogProbabilities(row).likeliest(most) where row[id] > -.infinity {
        all.append((id, running[origin].score + logarithms[id], origin))
      }
    }
    return all.sorted { ($1.score, $0.origin, $0.id) < ($0.score, $1.origin, $1.id) }.prefix(most)
      .map { Beam(ids: running[$0.origin].ids + [$0.id], score: $0.score, origin: $0.origin) }
  }
}
