/// What a site's `robots.txt` asks of programs (RFC 9309).
package struct RobotsRules: Sendable {
  private struct Rule {
    let isAllowed: Bool
    let path: Substring
  }

  private let rules: [Rule]

  /// The name by which groups of rules are for this program.
  static let agent = "lantern"
  /// Bytes of the file that are read: 500 KiB, as the standard wants at least.
  static let byteLimit = 500 << 10

  /// No rules: all is allowed.
  static let none = RobotsRules("")

  /// Reads the rules of a file for this program: those of its own groups, or where it has none those for all programs.
  package init(_ text: String) {
    var groups: [(agents: [String], rules: [Rule])] = []
    // Lines that name programs one after another begin one group.
    var isNaming = false
    for line in text.split(whereSeparator: \.isNewline) {
      let parts = line.prefix { $0 != "#" }.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let key = parts[0].filter { !$0.isWhitespace }.lowercased()
      let value = parts[1].drop(while: \.isWhitespace)
      let end = value.lastIndex { !$0.isWhitespace }
      let trimmed = end.map { value[...$0] } ?? ""
      switch key {
      case "user-agent":
        if !isNaming { groups.append(([], [])) }
        groups[groups.count - 1].agents.append(trimmed.lowercased())
        isNaming = true
      case "allow", "disallow":
        isNaming = false
        // An empty value says nothing.
        guard !groups.isEmpty, !trimmed.isEmpty else { continue }
        groups[groups.count - 1].rules.append(Rule(isAllowed: key == "allow", path: trimmed))
      default: break
      }
    }
    func rules(for agent: String) -> [Rule]? {
      let own = groups.filter { $0.agents.contains(agent) }
      return own.isEmpty ? nil : own.flatMap(\.rules)
    }
    self.rules = rules(for: Self.agent) ?? rules(for: "*") ?? []
  }

  /// Whether a path, with its query, may be fetched: the longest rule that matches says so, and of two equally long
  /// ones that which allows.
  package func allows(_ path: String) -> Bool {
    let matching = rules.filter { Self.matches(path, $0.path) }
    let longest = matching.map(\.path.utf8.count).max() ?? 0
    let best = matching.filter { $0.path.utf8.count == longest }
    return best.isEmpty || best.contains(where: \.isAllowed)
  }

  /// Whether a path begins as a pattern says, in which `*` stands for anything and `$` at its end for the path's.
  private static func matches(_ path: String, _ pattern: Substring) -> Bool {
    let isWhole = pattern.last == "$"
    let parts = (isWhole ? pattern.dropLast() : pattern)
      .split(separator: "*", omittingEmptySubsequences: false)
    var rest = path[...]
    for (index, part) in parts.enumerated() {
      if index == 0 {
        guard rest.hasPrefix(part) else { return false }
        rest = rest.dropFirst(part.count)
      } else if isWhole, index == parts.count - 1 {
        return rest.hasSuffix(part)
      } else {
        guard let found = rest.firstRange(of: part) else { return false }
        rest = rest[found.upperBound...]
      }
    }
    return !isWhole || rest.isEmpty
  }
}
