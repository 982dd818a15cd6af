/// A regular expression that names layers, as in PEFT's settings, matched in time that grows with
/// the length of the name alone: all ways through it are followed at once (Thompson 1968).
///
/// Reads what such settings hold: characters, `.`, classes, groups, `|`, repetition, `^` and `$`.
struct NamePattern: Sendable {
  private enum Node {
    case match
    case one(Test, next: Int)
    case fork(Int, Int)
    case begin(next: Int)
    case end(next: Int)
  }

  private indirect enum Tree {
    case test(Test)
    case begin
    case end
    case sequence([Tree])
    case choice([Tree])
    case repeated(Tree, minimum: Int, maximum: Int?)
  }

  private struct Test: Sendable {
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    var isInverted = false

    func holds(_ scalar: Unicode.Scalar) -> Bool {
      ranges.contains { $0.contains(scalar) } != isInverted
    }

    static let any = Test(ranges: ["\n"..."\n"], isInverted: true)
  }

  private static let lengthLimit = 512
  private static let sizeLimit = 4096
  private static let depthLimit = 32

  private var nodes: [Node] = []
  private var start = 0

  /// Nil for an expression that is unsound, too large, or of a kind that is not read.
  ///
  /// - Parameters:
  ///   - pattern: the expression.
  ///   - isSuffix: whether it may match the last parts of a name, a part ending with a dot.
  init?(_ pattern: String, isSuffix: Bool) {
    guard pattern.unicodeScalars.count <= Self.lengthLimit else { return nil }
    var parser = Parser(pattern)
    guard let tree = parser.choice(depth: 0), parser.isAtEnd else { return nil }
    let dot = Tree.test(Test(ranges: ["."..."."]))
    let lead = Tree.repeated(
      .sequence([.repeated(.test(.any), minimum: 0, maximum: nil), dot]), minimum: 0, maximum: 1)
    let whole = Tree.sequence((isSuffix ? [lead] : []) + [tree, .end])
    nodes = [.match]
    guard let start = compile(whole, next: 0) else { return nil }
    self.start = start
  }

  /// Whether it matches a name.
  func matches(_ name: String) -> Bool {
    let scalars = Array(name.unicodeScalars)
    var current = reach([start], at: 0, of: scalars.count)
    for (index, scalar) in scalars.enumerated() {
      var next: [Int] = []
      for case .one(let test, let node) in current.map({ nodes[$0] }) where test.holds(scalar) {
        next.append(node)
      }
      if next.isEmpty { return false }
      current = reach(next, at: index + 1, of: scalars.count)
    }
    return current.contains(0)
  }

  /// All nodes that are reached without a character.
  private func reach(_ from: [Int], at position: Int, of count: Int) -> [Int] {
    var visited = Array(repeating: false, count: nodes.count)
    var (stack, found) = (from, [Int]())
    while let node = stack.popLast() {
      if visited[node] { continue }
      visited[node] = true
      switch nodes[node] {
      case .match, .one: found.append(node)
      case .fork(let a, let b): stack += [a, b]
      case .begin(let next): if position == 0 { stack.append(next) }
      case .end(let next): if position == count { stack.append(next) }
      }
    }
    return found
  }

  /// Adds the nodes of a tree before `next`; nil when there are too many.
  private mutating func compile(_ tree: Tree, next: Int) -> Int? {
    guard nodes.count < Self.sizeLimit else { return nil }
    switch tree {
    case .test(let test): return add(.one(test, next: next))
    case .begin: return add(.begin(next: next))
    case .end: return add(.end(next: next))
    case .sequence(let parts):
      var next = next
      for part in parts.reversed() {
        guard let node = compile(part, next: next) else { return nil }
        next = node
      }
      return next
    case .choice(let parts):
      var all: Int?
      for part in parts {
        guard let node = compile(part, next: next) else { return nil }
        all = all.map { add(.fork($0, node)) } ?? node
      }
      return all ?? next
    case .repeated(let part, let minimum, let maximum):
      var next = next
      if let maximum {
        for _ in minimum..<max(minimum, maximum) {
          guard let node = compile(part, next: next) else { return nil }
          next = add(.fork(node, next))
        }
      } else {
        let loop = add(.fork(next, next))
        guard let node = compile(part, next: loop) else { return nil }
        nodes[loop] = .fork(node, next)
        next = loop
      }
      for _ in 0..<minimum {
        guard let node = compile(part, next: next) else { return nil }
        next = node
      }
      return next
    }
  }

  private mutating func add(_ node: Node) -> Int {
    nodes.append(node)
    return nodes.count - 1
  }

  /// Reads an expression by recursive descent.
  private struct Parser {
    private let text: [Unicode.Scalar]
    private var position = 0

    init(_ pattern: String) { text = Array(pattern.unicodeScalars) }

    var isAtEnd: Bool { position == text.count }
    private var next: Unicode.Scalar? { isAtEnd ? nil : text[position] }

    private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
      guard next == wanted else { return false }
      position += 1
      return true
    }

    mutating func choice(depth: Int) -> Tree? {
      guard depth <= NamePattern.depthLimit else { return nil }
      var parts: [Tree] = []
      repeat {
        guard let part = sequence(depth) else { return nil }
        parts.append(part)
      } while take("|")
      return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence(_ depth: Int) -> Tree? {
      var parts: [Tree] = []
      while let scalar = next, scalar != "|", scalar != ")" {
        guard let part = single(depth), let repeated = repetition(of: part) else { return nil }
        parts.append(repeated)
      }
      return .sequence(parts)
    }

    private mutating func single(_ depth: Int) -> Tree? {
      guard let scalar = next else { return nil }
      position += 1
      switch scalar {
      case "^": return .begin
      case "$": return .end
      case ".": return .test(.any)
      case "[": return characterClass().map(Tree.test)
      case "\\": return escape().map(Tree.test)
      case "*", "+", "?", "{": return nil
      case "(":
        // Groups that look ahead or behind, or have flags, are not read.
        if take("?"), !take(":") { return nil }
        guard let inner = choice(depth: depth + 1), take(")") else { return nil }
        return inner
      default: return .test(Test(ranges: [scalar...scalar]))
      }
    }

    private mutating func repetition(of part: Tree) -> Tree? {
      var (minimum, maximum): (Int, Int?) = (1, 1)
      switch next {
      case "*": (minimum, maximum) = (0, nil)
      case "+": (minimum, maximum) = (1, nil)
      case "?": (minimum, maximum) = (0, 1)
      case "{":
        guard let end = text[position...].firstIndex(of: "}") else { return nil }
        var inner = String.UnicodeScalarView()
        inner.append(contentsOf: text[(position + 1)..<end])
        let numbers = String(inner).split(separator: ",", omittingEmptySubsequences: false)
        guard let first = numbers.first.flatMap({ Int($0) }), (0...100).contains(first),
          numbers.count <= 2
        else { return nil }
        minimum = first
        maximum = numbers.count == 1 ? first : Int(numbers[1])
        guard numbers.count == 1 || numbers[1].isEmpty || (first...100).contains(maximum ?? -1)
        else {
          return nil
        }
        position = end
      default: return part
      }
      position += 1
      // Whether little or much is taken first does not matter to whether the whole matches.
      _ = take("?")
      if let scalar = next, ["*", "+", "?", "{"].contains(scalar) { return nil }
      return .repeated(part, minimum: minimum, maximum: maximum)
    }

    private mutating func escape() -> Test? {
      guard let scalar = next else { return nil }
      position += 1
      switch scalar {
      case "d": return Test(ranges: ["0"..."9"])
      case "D": return Test(ranges: ["0"..."9"], isInverted: true)
      case "w": return Test(ranges: ["0"..."9", "A"..."Z", "_"..."_", "a"..."z"])
      case "W":
        return Test(ranges: ["0"..."9", "A"..."Z", "_"..."_", "a"..."z"], isInverted: true)
      case "s": return Test(ranges: [" "..." ", "\t"..."\r"])
      case "0"..."9", "A"..."Z", "a"..."z": return nil
      default: return Test(ranges: [scalar...scalar])
      }
    }

    private mutating func characterClass() -> Test? {
      var test = Test(isInverted: take("^"))
      repeat {
        guard let first = next else { return nil }
        position += 1
        if first == "\\" {
          guard let inner = escape(), !inner.isInverted else { return nil }
          test.ranges += inner.ranges
        } else if next == "-", position + 1 < text.count, text[position + 1] != "]" {
          let last = text[position + 1]
          guard first <= last, last != "\\" else { return nil }
          test.ranges.append(first...last)
          position += 2
        } else {
          test.ranges.append(first...first)
        }
      } while next != "]"
      position += 1
      return test
    }
  }
}
