/// What two adjacent symbols are merged into, and its rank.
struct Merge {
  let rank: Int32
  let id: Int32
}

/// Byte-pair encoding's loop: of all adjacent pairs the one of lowest rank is merged, the leftmost of equals, until
/// none is left, in O(n log n).
enum PairMerging {
  /// Merges symbols.
  ///
  /// - Parameters:
  ///   - count: how many there are.
  ///   - merge: what the symbols at two positions are merged into; nil for nothing.
  ///   - join: called when the second is merged into the first.
  /// - Returns: the positions that are left.
  static func positions(
    count: Int, merge: (_ left: Int, _ right: Int) -> Merge?,
    join: (_ left: Int, _ right: Int, _ id: Int32) -> Void
  ) -> [Int] {
    guard count > 1 else { return Array(0..<count) }
    // A doubly linked list over positions; a position merged into its left neighbour is removed.
    var next = (1...count).map { Int32($0) }
    var previous = (0..<count).map { Int32($0) - 1 }
    var isAlive = Array(repeating: true, count: count)
    let end = Int32(count)
    var queue = CandidateQueue()
    for position in 0..<count - 1 {
      if let merge = merge(position, position + 1) {
        queue.push(Candidate(rank: merge.rank, position: Int32(position), id: merge.id))
      }
    }
    while let candidate = queue.pop() {
      let position = Int(candidate.position)
      guard isAlive[position], next[position] < end else { continue }
      let right = Int(next[position])
      // The neighbours may have been merged since the candidate was queued.
      guard merge(position, right)?.id == candidate.id else { continue }
      join(position, right, candidate.id)
      isAlive[right] = false
      next[position] = next[right]
      if next[right] < end { previous[Int(next[right])] = Int32(position) }
      for left in [previous[position], Int32(position)] where left >= 0 && next[Int(left)] < end {
        if let merge = merge(Int(left), Int(next[Int(left)])) {
          queue.push(Candidate(rank: merge.rank, position: left, id: merge.id))
        }
      }
    }
    return (0..<count).filter { isAlive[$0] }
  }
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
