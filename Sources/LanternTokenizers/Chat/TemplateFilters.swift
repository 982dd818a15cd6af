/// The filters of chat templates: jinja2's, with transformers' `tojson`.
extension TemplateRun {
  private typealias Body =
    @Sendable (TemplateRun, TemplateValue, [TemplateValue?]) throws(TokenizerError) ->
    TemplateValue

  /// By name: what a filter's parameters are called, and what it does.
  private static let filters: [String: (parameters: [String], body: Body)] = [
    "abs": ([], absolute),
    "capitalize": ([], capitalized),
    "count": ([], length),
    "d": (["default_value", "boolean"], defaulted),
    "default": (["default_value", "boolean"], defaulted),
    "dictsort": (["case_sensitive", "by", "reverse"], sortedPairs),
    "e": ([], escaped),
    "escape": ([], escaped),
    "first": ([], first),
    "float": (["default"], float),
    "indent": (["width", "first", "blank"], indented),
    "int": (["default"], integer),
    "items": ([], pairs),
    "join": (["d", "attribute"], joined),
    "last": ([], last),
    "length": ([], length),
    "list": ([], listed),
    "lower": ([], lowercased),
    "max": (
      ["case_sensitive", "attribute"],
      { run, value, given throws(TokenizerError) in
        try extreme(run, value, given, isLast: true)
      }
    ),
    "min": (
      ["case_sensitive", "attribute"],
      { run, value, given throws(TokenizerError) in
        try extreme(run, value, given, isLast: false)
      }
    ),
    "replace": (["old", "new", "count"], replaced),
    "reverse": ([], reversed),
    "safe": ([], safe),
    "sort": (["reverse", "case_sensitive", "attribute"], sorted),
    "string": ([], { run, value, _ throws(TokenizerError) in .text(try run.string(value)) }),
    "tojson": (["ensure_ascii", "indent", "separators", "sort_keys"], json),
    "trim": (["chars"], trimmed),
    "unique": (["case_sensitive", "attribute"], unique),
    "upper": ([], uppercased),
  ]

  /// Whether there is such a filter.
  static func isFilter(_ name: String) -> Bool { filters[name] != nil || choosing.contains(name) }

  /// Filters that take another's name, or a test's.
  private static let choosing: Set<String> = [
    "map", "select", "reject", "selectattr", "rejectattr",
  ]

  /// What a filter makes of a value.
  func filter(_ name: String, _ value: TemplateValue, _ arguments: TemplateArguments)
    throws(TokenizerError) -> TemplateValue
  {
    if Self.choosing.contains(name) { return try choose(name, value, arguments) }
    guard let filter = Self.filters[name] else {
      throw failure("the filter \"\(name)\" is not supported")
    }
    return try filter.body(self, value, try arguments.bound(to: filter.parameters, name, self))
  }

  // MARK: Of each value

  private func choose(_ name: String, _ value: TemplateValue, _ arguments: TemplateArguments)
    throws(TokenizerError) -> TemplateValue
  {
    // jinja2 looks into nothing that is false.
    let items = value.isTrue ? try items(of: value) : []
    var given = arguments
    if name == "map", let path = given.named.first(where: { $0.name == "attribute" })?.value {
      let fallback = given.named.first { $0.name == "default" }?.value
      guard given.positional.isEmpty else { throw failure("map takes an attribute alone") }
      return try iterator(
        try each(items) { item throws(TokenizerError) in
          let value = try attribute(at: path, of: item)
          return value.isUndefined ? fallback ?? value : value
        })
    }
    let isOfAttribute = name.hasSuffix("attr")
    let path = isOfAttribute ? given.positional.first : nil
    if isOfAttribute {
      guard !given.positional.isEmpty else { throw failure("\(name) takes an attribute") }
      given.positional.removeFirst()
    }
    let chosen = given.positional.first?.text?.string
    if !given.positional.isEmpty { given.positional.removeFirst() }
    if name == "map" {
      guard let chosen else { throw failure("map takes a filter or an attribute") }
      return try iterator(
        try each(items) { item throws(TokenizerError) in try filter(chosen, item, given) })
    }
    let isKept = name.hasPrefix("select")
    var kept: [TemplateValue] = []
    for item in items {
      let subject = try path.map { path throws(TokenizerError) in
        try attribute(at: path, of: item)
      }
      let holds = try chosen.map { chosen throws(TokenizerError) in
        try test(chosen, subject ?? item, given)
      }
      if (holds ?? (subject ?? item).isTrue) == isKept { kept.append(item) }
    }
    return try iterator(kept)
  }

  private func each(
    _ items: [TemplateValue],
    _ body: (TemplateValue) throws(TokenizerError) -> TemplateValue
  ) throws(TokenizerError) -> [TemplateValue] {
    var results: [TemplateValue] = []
    for item in items { results.append(try body(item)) }
    return results
  }

  /// The item at a path of names and numbers with points between; the value itself without one.
  private func attribute(at path: TemplateValue?, of value: TemplateValue) throws(TokenizerError)
    -> TemplateValue
  {
    guard let path, !path.isNone else { return value }
    guard let names = path.text?.string else { return try item(path, of: value) }
    var value = value
    for part in names.split(separator: ".", omittingEmptySubsequences: false) {
      value = try item(Int(part).map(TemplateValue.integer) ?? .text(String(part)), of: value)
    }
    return value
  }

  // MARK: Of values in order

  /// The key that `sort` and the like compare by: without case, unless they are told so.
  private func sortKey(_ value: TemplateValue, _ isCased: TemplateValue?, _ path: TemplateValue?)
    throws(TokenizerError) -> TemplateValue
  {
    let key = try attribute(at: path, of: value)
    guard isCased?.isTrue != true, let text = key.text else { return key }
    return try self.text(text.lowercased)
  }

  /// Sorts stably; what has no order is an error.
  private func sort(
    _ items: [(key: TemplateValue, value: TemplateValue)], isReversed: Bool
  ) throws(TokenizerError) -> [TemplateValue] {
    try charge(
      items.reduce(0) { $0 + $1.key.size }
        * (1 + items.count.bitWidth - items.count.leadingZeroBitCount))
    var unordered: (TemplateValue, TemplateValue)?
    let sorted = items.enumerated().sorted { a, b in
      let (low, high) = isReversed ? (b.element.key, a.element.key) : (a.element.key, b.element.key)
      guard let isLess = TemplateValue.isLess(low, high) else {
        unordered = (low, high)
        return false
      }
      if isLess { return true }
      return TemplateValue.isLess(high, low) == false && a.offset < b.offset
    }
    if let (a, b) = unordered { _ = try isLess(a, b) }
    return sorted.map(\.element.value)
  }

  private static func sorted(
    _ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?]
  ) throws(TokenizerError) -> TemplateValue {
    var keyed: [(key: TemplateValue, value: TemplateValue)] = []
    for item in try run.items(of: value) {
      keyed.append((try run.sortKey(item, given[1], given[2]), item))
    }
    return try run.list(try run.sort(keyed, isReversed: given[0]?.isTrue == true))
  }

  private static func sortedPairs(
    _ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?]
  ) throws(TokenizerError) -> TemplateValue {
    guard case .dict(let dict) = value else {
      throw run.undefined(value) ?? run.failure("dictsort is not for a \(value.typeName)")
    }
    let by = given[1]?.text?.string ?? "key"
    guard by == "key" || by == "value" else {
      throw run.failure("dictsort sorts by \"key\" or \"value\"")
    }
    var keyed: [(key: TemplateValue, value: TemplateValue)] = []
    for (index, pair) in dict.pairs.enumerated() {
      let part = by == "key" ? dict.keys[index] : dict.values[index]
      keyed.append((try run.sortKey(part, given[0], nil), pair))
    }
    return try run.list(try run.sort(keyed, isReversed: given[2]?.isTrue == true))
  }

  private static func extreme(
    _ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?], isLast: Bool
  ) throws(TokenizerError) -> TemplateValue {
    var best: (key: TemplateValue, value: TemplateValue)?
    for item in try run.items(of: value) {
      let key = try run.sortKey(item, given[0], given[1])
      guard let old = best?.key else {
        best = (key, item)
        continue
      }
      if try isLast ? run.isLess(old, key) : run.isLess(key, old) { best = (key, item) }
    }
    return best?.value ?? .undefined("the first of nothing")
  }

  private static func unique(
    _ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?]
  ) throws(TokenizerError) -> TemplateValue {
    var known = TemplateDict()
    var kept: [TemplateValue] = []
    for item in try run.items(of: value) {
      let key = try run.sortKey(item, given[0], given[1])
      if known[key] == nil { kept.append(item) }
      try run.set(key, to: .none, in: &known)
    }
    return try run.iterator(kept)
  }

  private static func first(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    if case .iterator(let iterator) = value {
      return iterator.next() ?? .undefined("the first item")
    }
    return try run.items(of: value).first ?? .undefined("the first item")
  }

  private static func last(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    if case .iterator = value { throw run.failure("last is not for a generator") }
    return try run.items(of: value).last ?? .undefined("the last item")
  }

  private static func reversed(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    if let text = value.text { return try run.text(TemplateText(text.units.reversed())) }
    return try run.iterator(try run.items(of: value).reversed())
  }

  private static func length(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    switch value {
    case .text(let text): return .integer(text.units.count)
    case .list, .tuple, .view, .dict, .undefined: return .integer(try run.items(of: value).count)
    case .loop(let loop): return loop["length"] ?? .none
    default: throw run.failure("a \(value.typeName) has no length")
    }
  }

  private static func listed(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    try run.list(try run.items(of: value))
  }

  private static func pairs(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    if value.isUndefined { return try run.iterator([]) }
    guard case .dict(let dict) = value else {
      throw run.failure("a \(value.typeName) has no items of keys and values")
    }
    return try run.iterator(dict.pairs)
  }

  private static func joined(
    _ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?]
  ) throws(TokenizerError) -> TemplateValue {
    let separator = try given[0].map(run.string)?.units ?? []
    var units: [UInt32] = []
    for (index, item) in try run.items(of: value).enumerated() {
      if index > 0 { units += separator }
      let part = try run.string(try run.attribute(at: given[1], of: item))
      try run.charge(separator.count + part.units.count)
      units += part.units
    }
    return try run.text(TemplateText(units))
  }
}
