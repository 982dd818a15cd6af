/// The methods of texts, dictionaries and lists that chat templates call, as in Python.
extension TemplateRun {
  /// What a method gives.
  func call(method name: String, of value: TemplateValue, _ arguments: TemplateArguments)
    throws(TokenizerError) -> TemplateValue
  {
    switch value {
    case .dict(let dict): return try call(name, dict, arguments)
    case .text(let text):
      if name == "format" { return try formatted(text, with: arguments) }
      try charge(text.units.count)
      guard let parameters = Self.textParameters[name] else { break }
      let given = try arguments.bound(to: parameters, name, self)
      if parameters.first == "sep" { return try split(text, name, given) }
      if parameters.first == "sub" { return try search(text, name, given) }
      return try call(name, text, given)
    case .list(let items), .tuple(let items):
      guard name == "index" || name == "count" else { break }
      let wanted = try arguments.bound(to: ["value"], name, self)[0] ?? .none
      try charge(items.size)
      if name == "count" { return .integer(items.items.count { $0 == wanted }) }
      guard let index = items.items.firstIndex(where: { $0 == wanted }) else {
        throw failure("the value that index looks for is not in the list")
      }
      return .integer(index)
    default: break
    }
    throw failure("the method \"\(name)\" of a \(value.typeName) is not supported")
  }

  private func call(_ name: String, _ dict: TemplateDict, _ arguments: TemplateArguments)
    throws(TokenizerError) -> TemplateValue
  {
    let given = try arguments.bound(to: name == "get" ? ["key", "default"] : [], name, self)
    switch name {
    case "get": return given[0].flatMap { dict[$0] } ?? given[1] ?? .none
    case "items": return .view(TemplateItems(dict.pairs))
    case "keys": return .view(TemplateItems(dict.keys))
    case "values": return .view(TemplateItems(dict.values))
    case "copy": return .dict(dict)
    default: throw failure("the method \"\(name)\" of a dict is not supported")
    }
  }

  private static let textParameters: [String: [String]] = [
    "strip": ["chars"], "lstrip": ["chars"], "rstrip": ["chars"], "lower": [], "upper": [],
    "capitalize": [], "split": ["sep", "maxsplit"], "rsplit": ["sep", "maxsplit"],
    "splitlines": [], "replace": ["old", "new", "count"], "join": ["items"],
    "startswith": ["sub"], "endswith": ["sub"], "find": ["sub"], "rfind": ["sub"],
    "index": ["sub"], "count": ["sub"], "removeprefix": ["affix"], "removesuffix": ["affix"],
    "isdigit": [], "isspace": [],
  ]

  private func call(_ name: String, _ text: TemplateText, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    switch name {
    case "strip", "lstrip", "rstrip":
      if let set = given[0], !set.isNone, set.text == nil { break }
      return try self.text(
        text.stripped(of: given[0]?.text, left: name != "rstrip", right: name != "lstrip"))
    case "lower": return try self.text(text.lowercased)
    case "upper": return try self.text(text.uppercased)
    case "capitalize": return try Self.capitalized(self, .text(text), [])
    case "splitlines": return try list(text.lines().map(TemplateValue.text))
    case "replace":
      guard let old = given[0]?.text, let new = given[1]?.text else { break }
      let isMarkup = text.isMarkup
      return try replace(
        text, isMarkup ? old.escaped : old, isMarkup ? new.escaped : new,
        limit: given[2]?.integer ?? -1)
    case "join":
      var units: [UInt32] = []
      for (index, item) in try items(of: given[0] ?? .none).enumerated() {
        guard let part = item.text else { throw failure("join is not for a \(item.typeName)") }
        if index > 0 { units += text.units }
        units += (text.isMarkup ? part.escaped : part).units
        try charge(text.units.count + part.units.count)
      }
      return try self.text(TemplateText(units, isMarkup: text.isMarkup))
    case "removeprefix", "removesuffix":
      guard let affix = given[0]?.text else { break }
      let (isFirst, count) = (name == "removeprefix", affix.units.count)
      guard isFirst ? text.hasPrefix(affix) : text.hasSuffix(affix) else { return .text(text) }
      return try self.text(
        text.part(isFirst ? count..<text.units.count : 0..<text.units.count - count))
    case "isdigit":
      return .bool(
        !text.units.isEmpty
          && text.units.allSatisfy {
            let type = TemplateText.scalar($0).properties.numericType
            return type == .decimal || type == .digit
          })
    case "isspace":
      return .bool(!text.units.isEmpty && text.units.allSatisfy(TemplateText.isSpace))
    default: break
    }
    throw failure("\"\(name)\" of a str does not take these arguments")
  }

  private func split(_ text: TemplateText, _ name: String, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    let count = given[1]?.integer ?? -1
    let limit = count < 0 ? Int.max : count
    guard let separator = given[0], !separator.isNone else {
      guard name == "split" || limit == .max else {
        throw failure("rsplit at white space with a limit is not supported")
      }
      return try list(text.words(limit: limit).map(TemplateValue.text))
    }
    guard let separator = separator.text, !separator.units.isEmpty else {
      throw failure("\(name) wants a text that is not empty to split at")
    }
    try charge(separator.units.count)
    let parts = text.split(at: separator, limit: limit, fromRight: name == "rsplit")
    return try list(parts.map(TemplateValue.text))
  }

  private func search(_ text: TemplateText, _ name: String, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    if name == "startswith" || name == "endswith" {
      var candidates = given[0].map { [$0] } ?? []
      if case .tuple(let items)? = given[0] { candidates = items.items }
      for candidate in candidates {
        guard let part = candidate.text else {
          throw failure("\(name) takes texts, not a \(candidate.typeName)")
        }
        try charge(16 + part.units.count)
        if name == "startswith" ? text.hasPrefix(part) : text.hasSuffix(part) { return .bool(true) }
      }
      return .bool(false)
    }
    guard let part = given[0]?.text else { throw failure("\(name) takes a text") }
    try charge(part.units.count)
    if part.units.isEmpty {
      let count = text.units.count
      return .integer(name == "count" ? count + 1 : name == "rfind" ? count : 0)
    }
    switch name {
    case "count": return .integer(text.matches(of: part).count)
    case "rfind":
      let back = TemplateText(text.units.reversed())
      let found = back.matches(of: TemplateText(part.units.reversed()), limit: 1).first
      return .integer(found.map { text.units.count - $0 - part.units.count } ?? -1)
    default:
      let found = text.matches(of: part, limit: 1).first
      if found == nil, name == "index" {
        throw failure("the text that index looks for is not there")
      }
      return .integer(found ?? -1)
    }
  }
}
