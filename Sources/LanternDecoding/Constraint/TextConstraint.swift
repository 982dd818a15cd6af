/// Walks a grammar along the tokens of a text, and says which may come next.
///
/// Where the grammar may be after some bytes is a set of states with stacks. Sets and their steps are kept, so that
/// a walk through the vocabulary is a table look-up a byte.
package struct TextConstraint {
  /// What errors call it.
  package let what: String
  private let grammar: ByteGrammar
  private let trie: VocabularyTrie
  private let tokenBytes: [[UInt8]]
  private var stacks = StackTable()
  private var sets: [ConstraintSet] = []
  private var setIDs: [[StackTable.Position]: Int] = [:]
  private var steps: [Int32] = []
  private var masks: [Int: TokenMask] = [:]
  /// Where the text is; good until ``allowed()`` is called.
  package private(set) var current = 0
  private var isTooWide = false

  /// Sets at most, before all but the current one are forgotten: each takes about a kilobyte.
  private static let setLimit = 1 << 14
  /// States of a set at most.
  private static let widthLimit = 1 << 12
  /// Numbers of steps that lead nowhere, and that were not taken yet.
  private static let dead: Int32 = -1, unknown: Int32 = -2

  /// - Parameters:
  ///   - grammar: what the text may be.
  ///   - trie: the vocabulary.
  ///   - what: what errors call it.
  package init(_ grammar: ByteGrammar, _ trie: VocabularyTrie, what: String) {
    (self.grammar, self.trie, self.what) = (grammar, trie, what)
    tokenBytes = trie.bytesByID()
    reset(to: [StackTable.Position(state: grammar.rules[0].start, stack: 0)])
  }

  /// Whether the text may end here.
  package var mayEnd: Bool { sets[current].mayEnd }

  /// The tokens that may come next.
  ///
  /// - Throws: ``ConstraintError`` where too many states are possible at once.
  package mutating func allowed() throws(ConstraintError) -> TokenMask {
    if let mask = masks[current] { return mask }
    if sets.count > Self.setLimit { reset(to: sets[current].beginning) }
    var mask = TokenMask(count: trie.count)
    var path = [Int32](repeating: 0, count: trie.longest + 1)
    path[0] = Int32(current)
    var node = 0
    while node < trie.bytes.count {
      let depth = Int(trie.depths[node])
      let next = step(from: Int(path[depth - 1]), trie.bytes[node])
      guard next != Self.dead else {
        node = Int(trie.ends[node])
        continue
      }
      path[depth] = next
      for index in trie.firsts[node]..<trie.firsts[node + 1] {
        mask.insert(Int(trie.ids[Int(index)]))
      }
      node += 1
    }
    guard !isTooWide else { throw .tooLarge(what: what) }
    masks[current] = mask
    return mask
  }

  /// Takes a token.
  ///
  /// - Returns: false for one that may not come here, which changes nothing.
  package mutating func accept(_ id: Int) -> Bool {
    guard tokenBytes.indices.contains(id), !tokenBytes[id].isEmpty else { return false }
    var next = Int32(current)
    for byte in tokenBytes[id] where next != Self.dead { next = step(from: Int(next), byte) }
    guard next != Self.dead else { return false }
    current = Int(next)
    return true
  }

  /// Goes back to where the text was.
  package mutating func goBack(to place: Int) { current = place }

  /// The shortest ending of the text, in tokens; nil where the vocabulary does not have it.
  package func shortestEnding() -> [Int]? {
    let positions = sets[current].positions
    let best = positions.min { cost($0) < cost($1) }
    guard !mayEnd, let best, cost(best) < ByteGrammar.endless else { return mayEnd ? [] : nil }
    return trie.greedyTokens(bytes(from: best))
  }

  /// Bytes of the shortest ending.
  package var endingLength: Int {
    mayEnd ? 0 : (sets[current].positions.map(cost).min() ?? 0) / ByteGrammar.byteCost
  }

  private func cost(_ position: StackTable.Position) -> Int {
    var total = grammar.ways[position.state].cost
    var stack = position.stack
    while stack != 0 {
      total = min(ByteGrammar.endless, total + grammar.ways[stacks.returns[stack]].cost)
      stack = stacks.parents[stack]
    }
    return total
  }

  private func bytes(from position: StackTable.Position) -> [UInt8] {
    var states: [Int] = []
    var stack = position.stack
    while stack != 0 {
      states.insert(stacks.returns[stack], at: 0)
      stack = stacks.parents[stack]
    }
    states.append(position.state)
    var bytes: [UInt8] = []
    while let state = states.popLast() {
      guard !grammar.isEnd[state] else { continue }
      switch grammar.edges[state][grammar.ways[state].edge] {
      case .bytes(let range, let to):
        // Of any character, a letter.
        bytes.append(range.contains(0x61) ? 0x61 : range.lowerBound)
        states.append(to)
      case .free(let to): states.append(to)
      case .call(let rule, let then): states += [then, grammar.rules[rule].start]
      }
    }
    return bytes
  }

  private mutating func step(from set: Int, _ byte: UInt8) -> Int32 {
    let known = steps[set << 8 | Int(byte)]
    if known != Self.unknown { return known }
    var next: [StackTable.Position] = []
    for position in sets[set].positions {
      for case .bytes(let range, let to) in grammar.edges[position.state] where range ~= byte {
        next.append(StackTable.Position(state: to, stack: position.stack))
      }
    }
    let number = next.isEmpty ? 0 : number(next)
    let isDead = next.isEmpty || (sets[number].positions.isEmpty && !sets[number].mayEnd)
    let result = isDead ? Self.dead : Int32(number)
    steps[set << 8 | Int(byte)] = result
    return result
  }

  /// The number of the set of what is reached from positions without a byte.
  private mutating func number(_ positions: [StackTable.Position]) -> Int {
    let set = ConstraintSet(positions, grammar, &stacks)
    if let number = setIDs[set.key] { return number }
    isTooWide = isTooWide || set.positions.count > Self.widthLimit
    setIDs[set.key] = sets.count
    sets.append(set)
    steps += [Int32](repeating: Self.unknown, count: 256)
    return sets.count - 1
  }

  private mutating func reset(to positions: [StackTable.Position]) {
    (sets, setIDs, steps, masks) = ([], [:], [], [:])
    current = number(positions)
  }
}

/// Stacks of states to return to, each kept once.
struct StackTable {
  /// A state with a stack; 0 is the empty one.
  struct Position: Hashable {
    let state: Int, stack: Int
  }

  private(set) var parents = [0], returns = [0], depths = [0]
  private var numbers: [Position: Int] = [:]

  /// The stack with a state on top.
  mutating func pushed(_ state: Int, on stack: Int) -> Int {
    let key = Position(state: state, stack: stack)
    if let number = numbers[key] { return number }
    numbers[key] = parents.count
    parents.append(stack)
    returns.append(state)
    depths.append(depths[stack] + 1)
    return parents.count - 1
  }
}

/// Where a grammar may be after some bytes.
struct ConstraintSet {
  /// Where the last byte led.
  let beginning: [StackTable.Position]
  /// States from which a byte may be taken.
  private(set) var positions: [StackTable.Position] = []
  /// Whether the text may end.
  private(set) var mayEnd = false

  /// What distinguishes it from others.
  var key: [StackTable.Position] {
    positions + (mayEnd ? [StackTable.Position(state: -1, stack: 0)] : [])
  }

  /// - Parameters:
  ///   - begin: positions.
  ///   - grammar: whose they are.
  ///   - stacks: all stacks.
  init(_ begin: [StackTable.Position], _ grammar: ByteGrammar, _ stacks: inout StackTable) {
    beginning = begin
    var reached: Set<StackTable.Position> = []
    var open = begin
    while let position = open.popLast() {
      let (state, stack) = (position.state, position.stack)
      guard stacks.depths[stack] + grammar.heights[state] <= ByteGrammar.depthLimit,
        reached.insert(position).inserted
      else { continue }
      if grammar.isEnd[state] {
        if stack == 0 {
          mayEnd = true
        } else {
          open.append(
            StackTable.Position(state: stacks.returns[stack], stack: stacks.parents[stack]))
        }
      }
      var takesBytes = false
      for edge in grammar.edges[state] {
        switch edge {
        case .bytes: takesBytes = true
        case .free(let to): open.append(StackTable.Position(state: to, stack: stack))
        case .call(let rule, let then):
          guard stacks.depths[stack] + grammar.heights[then] <= ByteGrammar.depthLimit else {
            continue
          }
          open.append(
            StackTable.Position(
              state: grammar.rules[rule].start, stack: stacks.pushed(then, on: stack)))
        }
      }
      if takesBytes { positions.append(position) }
    }
    positions.sort { ($0.stack, $0.state) < ($1.stack, $1.state) }
  }
}
