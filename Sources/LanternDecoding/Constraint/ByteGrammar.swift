/// Rules over bytes that may call one another: an automaton with a stack.
package struct ByteGrammar: Sendable {
  enum Edge: Sendable {
    case bytes(ClosedRange<UInt8>, to: Int)
    case free(to: Int)
    case call(rule: Int, then: Int)
  }

  /// Where a rule begins and ends.
  struct Rule: Sendable {
    let start: Int, end: Int
  }

  /// Edges of each state.
  private(set) var edges: [[Edge]] = []
  private(set) var rules: [Rule] = []
  /// Whether a state is the end of a rule.
  private(set) var isEnd: [Bool] = []
  /// The way to a rule's end that is shortest, by state: its cost, and the number of its edge.
  private(set) var ways: [(cost: Int, edge: Int)] = []
  /// How many calls within one another it takes from a state to its rule's end at least.
  private(set) var heights: [Int] = []

  /// States at most.
  static let stateLimit = 1 << 17
  /// Calls within one another at most, so that what is written is no deeper than readers of JSON allow.
  static let depthLimit = 48
  /// Cost of a byte; what takes none costs 1, so that a way never goes around.
  static let byteCost = 1 << 16
  /// Cost of what is never reached, or by more bytes than any text has.
  static let endless = 1 << 50

  /// Makes the automaton.
  ///
  /// - Parameters:
  ///   - patterns: the rules; the first is the whole text.
  ///   - what: what errors call the constraint.
  /// - Throws: ``ConstraintError`` for too many states, or a text that can never end.
  init(_ patterns: [BytePattern], _ what: String) throws(ConstraintError) {
    for _ in patterns {
      let start = try state(what), end = try state(what)
      rules.append(Rule(start: start, end: end))
      isEnd[end] = true
    }
    for (pattern, rule) in zip(patterns, rules) {
      edges[try add(pattern, from: rule.start, what)].append(.free(to: rule.end))
    }
    findWays()
    findHeights()
    guard let root = rules.first, ways[root.start].cost < Self.endless,
      heights[root.start] <= Self.depthLimit
    else { throw .endless(what: what) }
  }

  private mutating func state(_ what: String) throws(ConstraintError) -> Int {
    guard edges.count < Self.stateLimit else { throw .tooLarge(what: what) }
    edges.append([])
    isEnd.append(false)
    return edges.count - 1
  }

  /// Adds a pattern behind a state; the state behind it.
  private mutating func add(
    _ pattern: BytePattern, from start: Int, _ what: String
  ) throws(ConstraintError) -> Int {
    switch pattern {
    case .byte(let ranges):
      let end = try state(what)
      edges[start] += ranges.map { .bytes($0, to: end) }
      return end
    case .sequence(let parts):
      var end = start
      for part in parts { end = try add(part, from: end, what) }
      return end
    case .choice(let parts):
      let end = try state(what)
      for part in parts {
        let begin = try state(what)
        edges[start].append(.free(to: begin))
        edges[try add(part, from: begin, what)].append(.free(to: end))
      }
      return end
    case .repeated(let part, let least, let most):
      return try add(part, least, most, from: start, what)
    case .rule(let rule):
      let end = try state(what)
      edges[start].append(.call(rule: rule, then: end))
      return end
    }
  }

  private mutating func add(
    _ part: BytePattern, _ least: Int, _ most: Int?, from start: Int, _ what: String
  ) throws(ConstraintError) -> Int {
    var last = start
    // A state for each, so that many of nothing are too many too.
    func step(_ grammar: inout ByteGrammar) throws(ConstraintError) -> Int {
      let begin = try grammar.state(what)
      grammar.edges[last].append(.free(to: begin))
      return begin
    }
    for _ in 0..<least { last = try add(part, from: try step(&self), what) }
    let end = try state(what)
    if let most {
      for _ in least..<max(least, most) {
        edges[last].append(.free(to: end))
        last = try add(part, from: try step(&self), what)
      }
    } else {
      last = try step(&self)
      edges[try add(part, from: last, what)].append(.free(to: last))
    }
    edges[last].append(.free(to: end))
    return end
  }

  private mutating func findWays() {
    ways = least(limit: Self.endless) { edge, costs in
      switch edge {
      case .bytes(_, let to): Self.byteCost + costs[to].cost
      case .free(let to): 1 + costs[to].cost
      case .call(let rule, let then): 1 + costs[rules[rule].start].cost + costs[then].cost
      }
    }
  }

  private mutating func findHeights() {
    heights = least(limit: Self.depthLimit + 1) { edge, heights in
      switch edge {
      case .bytes(_, let to), .free(let to): heights[to].cost
      case .call(let rule, let then):
        max(1 + heights[rules[rule].start].cost, heights[then].cost)
      }
    }.map(\.cost)
  }

  /// The least cost from each state to its rule's end, and the first edge of that way: Knuth's generalisation of
  /// Dijkstra's algorithm (1977).
  ///
  /// - Parameters:
  ///   - limit: the cost of what is not reached, or only by more.
  ///   - cost: of an edge and what follows, given the costs of states; never less than these.
  /// - Returns: cost and edge by state.
  private func least(
    limit: Int, _ cost: (Edge, [(cost: Int, edge: Int)]) -> Int
  ) -> [(cost: Int, edge: Int)] {
    var users = [[(state: Int, edge: Int)]](repeating: [], count: edges.count)
    for state in edges.indices {
      for (number, edge) in edges[state].enumerated() {
        for target in targets(edge) { users[target].append((state, number)) }
      }
    }
    var costs = [(cost: Int, edge: Int)](repeating: (limit, 0), count: edges.count)
    var isSettled = [Bool](repeating: false, count: edges.count)
    var open = MinimumHeap()
    for state in edges.indices where isEnd[state] {
      costs[state].cost = 0
      open.insert(0, state)
    }
    while let state = open.removeFirst() {
      guard !isSettled[state] else { continue }
      isSettled[state] = true
      for (user, number) in users[state] where !isSettled[user] {
        let edge = edges[user][number]
        guard targets(edge).allSatisfy({ isSettled[$0] }) else { continue }
        let new = cost(edge, costs)
        guard new < costs[user].cost else { continue }
        costs[user] = (new, number)
        open.insert(new, user)
      }
    }
    return costs
  }

  private func targets(_ edge: Edge) -> [Int] {
    switch edge {
    case .bytes(_, let to), .free(let to): [to]
    case .call(let rule, let then): [rules[rule].start, then]
    }
  }
}

/// States by their costs, the least first: a binary heap.
private struct MinimumHeap {
  private var items: [(cost: Int, state: Int)] = []

  mutating func insert(_ cost: Int, _ state: Int) {
    items.append((cost, state))
    var index = items.count - 1
    while index > 0, items[(index - 1) / 2].cost > items[index].cost {
      items.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func removeFirst() -> Int? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    guard !items.isEmpty else { return first.state }
    items[0] = last
    var index = 0
    while true {
      let children = (2 * index + 1..<min(2 * index + 3, max(2 * index + 1, items.count)))
      guard let least = children.min(by: { items[$0].cost < items[$1].cost }),
        items[least].cost < items[index].cost
      else { return first.state }
      items.swapAt(index, least)
      index = least
    }
  }
}
