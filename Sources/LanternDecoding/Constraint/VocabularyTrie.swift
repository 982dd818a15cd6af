package import LanternTokenizers

/// The tokens of a vocabulary by their bytes, in an order in which a walk may leave out all that begin alike.
package struct VocabularyTrie: Sendable {
  /// Size of the vocabulary.
  let count: Int
  /// Of each node its byte, its depth, and the node behind all that begin with it; in the order of bytes.
  private(set) var bytes: [UInt8] = []
  private(set) var depths: [Int32] = []
  private(set) var ends: [Int32] = []
  /// Of each node where its tokens begin in `ids`, and of one node more.
  private(set) var firsts: [Int32] = []
  private(set) var ids: [Int32] = []
  /// The longest token's bytes.
  private(set) var longest = 0

  /// - Parameters:
  ///   - tokenizer: whose tokens they are. Tokens without bytes, and added ones, as control tokens, are left out.
  ///   - others: tokens to be left out too.
  package init(_ tokenizer: any Tokenizer, without others: Set<Int>) {
    var tokens: [(bytes: [UInt8], id: Int)] = []
    for id in 0..<tokenizer.count where !others.contains(id) {
      let bytes = tokenizer.decode([id])
      guard !bytes.isEmpty else { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      if tokenizer.withoutAddedTokens(text) == text { tokens.append((bytes, id)) }
    }
    self.init(tokens, count: tokenizer.count)
  }

  /// - Parameters:
  ///   - tokens: bytes and ids.
  ///   - count: size of the vocabulary.
  package init(_ tokens: [(bytes: [UInt8], id: Int)], count: Int) {
    self.count = count
    let sorted = tokens.sorted {
      $0.bytes.lexicographicallyPrecedes($1.bytes) || ($0.bytes == $1.bytes && $0.id < $1.id)
    }
    var path: [Int] = []
    var last: [UInt8] = []
    for (token, id) in sorted {
      let shared = zip(last, token).prefix { $0 == $1 }.count
      close(&path, to: shared)
      for byte in token[shared...] {
        path.append(bytes.count)
        bytes.append(byte)
        depths.append(Int32(path.count))
        ends.append(0)
        firsts.append(Int32(ids.count))
      }
      ids.append(Int32(id))
      last = token
      longest = max(longest, token.count)
    }
    close(&path, to: 0)
    firsts.append(Int32(ids.count))
  }

  private mutating func close(_ path: inout [Int], to depth: Int) {
    while path.count > depth { ends[path.removeLast()] = Int32(bytes.count) }
  }

  /// A text in tokens, the longest one each time.
  ///
  /// - Returns: the tokens; nil where there is none for a byte.
  func greedyTokens(_ text: [UInt8]) -> [Int]? {
    var tokens: [Int] = []
    var position = 0
    while position < text.count {
      var (node, end, depth) = (0, bytes.count, 0)
      var best: (id: Int, length: Int)?
      while node < end, position + depth < text.count {
        guard bytes[node] == text[position + depth] else {
          node = Int(ends[node])
          continue
        }
        depth += 1
        if firsts[node] < firsts[node + 1] { best = (Int(ids[Int(firsts[node])]), depth) }
        (node, end) = (node + 1, Int(ends[node]))
      }
      guard let best else { return nil }
      tokens.append(best.id)
      position += best.length
    }
    return tokens
  }
}

extension VocabularyTrie {
  /// The bytes of each token, none for one that was left out.
  func bytesByID() -> [[UInt8]] {
    var all = [[UInt8]](repeating: [], count: count)
    var path: [UInt8] = []
    for node in bytes.indices {
      path.removeLast(path.count - Int(depths[node]) + 1)
      path.append(bytes[node])
      for index in firsts[node]..<firsts[node + 1] { all[Int(ids[Int(index)])] = path }
    }
    return all
  }
}
