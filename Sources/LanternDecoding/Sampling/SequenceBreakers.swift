package import LanternTokenizers

/// Texts, as the end of a line, over which DRY counts no repetition on; as tokens.
package struct SequenceBreakers: Sendable, Equatable {
  /// For the first token of each, those that follow it.
  private let tails: [Int: [[Int]]]

  /// - Parameter sequences: tokens of each; empty ones break nothing.
  package init(_ sequences: [[Int]] = []) {
    tails = Dictionary(grouping: sequences.filter { !$0.isEmpty }, by: { $0[0] })
      .mapValues { $0.map { Array($0.dropFirst()) } }
  }

  /// The tokens of texts: every token that has one of them within, and every token that ends with the beginning
  /// of one, followed by the rest's.
  ///
  /// - Parameters:
  ///   - texts: cut after 40 bytes, as llama.cpp does; empty ones break nothing.
  ///   - tokenizer: whose tokens they are.
  package init(_ texts: [String], _ tokenizer: any Tokenizer) {
    let breakers = texts.map { Array($0.utf8.prefix(40)) }.filter { !$0.isEmpty }
    var sequences: Set<[Int]> = []
    if !breakers.isEmpty {
      for id in 0..<tokenizer.count {
        let token = tokenizer.decode([id])
        for breaker in breakers {
          for start in token.indices where token[start] == breaker[0] {
            let end = min(token.count - start, breaker.count)
            guard token[start..<start + end] == breaker[..<end] else { continue }
            let rest = String(decoding: breaker[end...], as: UTF8.self)
            sequences.insert([id] + tokenizer.encode(rest, readsSpecial: false).prefix(20))
          }
        }
      }
    }
    self.init(sequences.sorted { $0.lexicographicallyPrecedes($1) })
  }

  /// Whether a token alone is one.
  func isBreaker(_ id: Int) -> Bool { tails[id]?.contains([]) == true }

  /// Tokens behind the last of them; all where there is none.
  ///
  /// - Parameter past: the tokens, the last first.
  /// - Returns: their number.
  func distance(in past: [Int]) -> Int {
    for (index, token) in past.enumerated() {
      let lengths = (tails[token] ?? []).filter { tail in
        tail.count <= index && tail.indices.allSatisfy { tail[$0] == past[index - $0 - 1] }
      }.map(\.count)
      if let longest = lengths.max() { return index - longest }
    }
    return past.count
  }
}
