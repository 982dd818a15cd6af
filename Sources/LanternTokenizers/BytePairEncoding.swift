/// Byte-pair encoding of words: a word begins as its bytes, and the adjacent pair of lowest rank is merged
/// into one token, until no pair is in the table of merges.
///
/// Equals the `BPE` model of the `tokenizers` library over a byte-level alphabet; Sennrich, Haddow &
/// Birch 2016, arXiv:1508.07909.
package struct BytePairEncoding: Sendable {
  /// A pair of adjacent tokens.
  struct Pair: Hashable {
    private let ids: UInt64

    init(_ left: Int32, _ right: Int32) {
      ids = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
  }

  /// The token that a pair is merged into, and its rank.
  struct Merge {
    let rank: Int32
    let id: Int32
  }

  private let byteIDs: [Int32]
  private let lastByteIDs: [Int32]
  private let merges: [Pair: Merge]

  /// Prepares an encoding.
  ///
  /// - Parameters:
  ///   - vocabulary: the id of each token, written in the alphabet of ``byteAlphabet``.
  ///   - merges: the merge of each pair.
  ///   - wordEnd: the suffix of a word's last token, as `</w>`; may be empty.
  ///   - unknown: the id of bytes that are not in the vocabulary.
  init(
    vocabulary: [String: Int32], merges: [Pair: Merge], wordEnd: String, unknown: Int32
  ) {
    byteIDs = Self.byteAlphabet.map { vocabulary[String($0)] ?? unknown }
    lastByteIDs = Self.byteAlphabet.map { vocabulary[String($0) + wordEnd] ?? unknown }
    self.merges = merges
  }

  /// The ids of a word, in O(n log n) for n bytes.
  package func encode(_ word: [UInt8]) -> [Int32] {
    var ids = word.map { byteIDs[Int($0)] }
    guard let last = word.last else { return [] }
    ids[ids.count - 1] = lastByteIDs[Int(last)]
    guard ids.count > 1 else { return ids }

    // A doubly linked list over positions; a position merged into its left neighbour is removed.
    var next = (1...ids.count).map { Int32($0) }
    var previous = (0..<ids.count).map { Int32($0) - 1 }
    var isAlive = Array(repeating: true, count: ids.count)
    let end = Int32(ids.count)
    var queue = CandidateQueue()
    for position in 0..<ids.count - 1 {
      if let merge = merges[Pair(ids[position], ids[position + 1])] {
        queue.push(Candidate(rank: merge.rank, position: Int32(position), id: merge.id))
      }
    }
    while let candidate = queue.pop() {
      let position = Int(candidate.position)
      guard isAlive[position], next[position] < end else { continue }
      let right = Int(next[position])
      // The neighbours may have been merged since the candidate was queued.
      guard merges[Pair(ids[position], ids[right])]?.id == candidate.id else { continue }
      ids[position] = candidate.id
      isAlive[right] = false
      next[position] = next[right]
      if next[right] < end { previous[Int(next[right])] = Int32(position) }
      for left in [previous[position], Int32(position)] where left >= 0 && next[Int(left)] < end {
        let pair = Pair(ids[Int(left)], ids[Int(next[Int(left)])])
        if let merge = merges[pair] {
          queue.push(Candidate(rank: merge.rank, position: left, id: merge.id))
        }
      }
    }
    return ids.indices.filter { isAlive[$0] }.map { ids[$0] }
  }

  /// The character that stands for each byte in the files of a vocabulary: the printable bytes of
  /// Latin-1 stand for themselves, the others for the characters from U+0100 on. GPT-2's table.
  package static let byteAlphabet: [Character] = {
    var alphabet: [Character] = []
    var stranger: UInt32 = 0x100
    for byte in UInt32(0)...255 {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
        alphabet.append(Character(Unicode.Scalar(UInt8(byte))))
      default:
        alphabet.append(Unicode.Scalar(stranger).map(Character.init) ?? "?")
        stranger += 1
      }
    }
    return alphabet
  }()

  /// The bytes that a token of a vocabulary stands for: its own, where it is not in the alphabet.
  static func bytes(of token: String) -> [UInt8] {
    let letters = Array(token)
    let plain = letters.compactMap { byteOf[$0] }
    return plain.count == letters.count ? plain : Array(token.utf8)
  }

  private static let byteOf: [Character: UInt8] = Dictionary(
    zip(byteAlphabet, UInt8.min...UInt8.max), uniquingKeysWith: { first, _ in first })
}

/// A candidate merge at `position`, into the token `id`.
private struct Candidate {
  let rank: Int32
  let position: Int32
  let id: Int32

  static func < (a: Candidate, b: Candidate) -> Bool {
    (a.rank, a.position) < (b.rank, b.position)
  }
}

/// A binary heap of candidates by rank, then by position.
private struct CandidateQueue {
  private var heap: [Candidate] = []

  mutating func push(_ candidate: Candidate) {
    heap.append(candidate)
    var child = heap.count - 1
    while child > 0, heap[child] < heap[(child - 1) / 2] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Candidate? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return first }
    heap[0] = last
    var parent = 0
    while true {
      var minimum = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child] < heap[minimum] {
        minimum = child
      }
      if minimum == parent { return first }
      heap.swapAt(parent, minimum)
      parent = minimum
    }
  }
}
