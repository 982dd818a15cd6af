/// Suggestions for misspelt words.
package enum Spelling {
  /// The known word with the fewest letters to change, add, leave out or swap with their neighbour.
  ///
  /// - Parameters:
  ///   - word: as it was written.
  ///   - known: words to choose from; of those equally near the first.
  ///   - share: letters to change are at most this share of the known word's, and one at least.
  /// - Returns: nil where none is near.
  package static func nearest(to word: String, in known: [String], within share: Double = 0.5)
    -> String?
  {
    let letters = Array(word.unicodeScalars.prefix(64))
    let scored = known.map { ($0, distance(letters, Array($0.unicodeScalars))) }
    guard let best = scored.min(by: { $0.1 < $1.1 }),
      best.1 <= max(Int(Double(best.0.unicodeScalars.count) * share), 1)
    else { return nil }
    return best.0
  }

  /// Damerau's and Levenshtein's distance, in which no stretch is changed twice.
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var before = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var row = [i + 1]
      for (j, y) in b.enumerated() {
        var minimum = min(last[j + 1] + 1, row[j] + 1, last[j] + (x == y ? 0 : 1))
        if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { minimum = min(minimum, before[j - 1] + 1) }
        row.append(minimum)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}
