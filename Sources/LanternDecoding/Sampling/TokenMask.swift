/// A set of tokens of a vocabulary: a bit each.
package struct TokenMask: Sendable, Equatable {
  /// Size of the vocabulary.
  package let count: Int
  private var words: [UInt64]

  /// - Parameters:
  ///   - count: size of the vocabulary.
  ///   - isFull: whether all tokens are in it.
  package init(count: Int, isFull: Bool = false) {
    self.count = count
    words = [UInt64](repeating: isFull ? .max : 0, count: (count + 63) / 64)
  }

  /// Whether it has no token.
  package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  /// Whether a token is in it.
  package func contains(_ id: Int) -> Bool {
    id >= 0 && id < count && words[id >> 6] >> UInt64(id & 63) & 1 == 1
  }

  package mutating func insert(_ id: Int) {
    if id >= 0, id < count { words[id >> 6] |= 1 << UInt64(id & 63) }
  }

  package mutating func remove(_ id: Int) {
    if id >= 0, id < count { words[id >> 6] &= ~(1 << UInt64(id & 63)) }
  }

  package mutating func formUnion(_ other: TokenMask) {
    for index in words.indices where index < other.words.count {
      words[index] |= other.words[index]
    }
  }
}
