/// Filters of single values.
extension TemplateRun {
  static func defaulted(
    _ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?]
  ) throws(TokenizerError) -> TemplateValue {
    let isMissing = value.isUndefined || given[1]?.isTrue == true && !value.isTrue
    return isMissing ? given[0] ?? .text("") : value
  }

  static func absolute(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    if let integer = value.integer {
      return .integer(
        integer < 0 ? try run.checked(0.subtractingReportingOverflow(integer)) : integer)
    }
    guard let number = value.number else {
      throw run.undefined(value) ?? run.failure("abs is not for a \(value.typeName)")
    }
    return .float(number.magnitude)
  }

  static func integer(_ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    if let integer = value.integer { return .integer(integer) }
    if let text = value.text?.stripped().string, let integer = Int(text) {
      return .integer(integer)
    }
    let number = value.text.flatMap { Double($0.stripped().string) } ?? value.number
    return number.flatMap { Int(exactly: $0.rounded(.towardZero)) }.map(TemplateValue.integer)
      ?? given[0] ?? .integer(0)
  }

  static func float(_ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    let number = value.text.flatMap { Double($0.stripped().string) } ?? value.number
    return number.map(TemplateValue.float) ?? given[0] ?? .float(0)
  }

  static func safe(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    try run.text(TemplateText(try run.string(value).units, isMarkup: true))
  }

  static func escaped(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    try run.text(try run.string(value).escaped)
  }

  static func lowercased(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    try run.text(try run.string(value).lowercased)
  }

  static func uppercased(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    try run.text(try run.string(value).uppercased)
  }

  static func capitalized(_ run: TemplateRun, _ value: TemplateValue, _: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    let text = try run.string(value)
    let first = text.part(0..<min(1, text.units.count)).mapped { $0.properties.titlecaseMapping }
    let rest = text.part(first.units.isEmpty ? 0..<0 : 1..<text.units.count).lowercased
    return try run.text(TemplateText(first.units + rest.units, isMarkup: text.isMarkup))
  }

  static func trimmed(_ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    try run.text(try run.string(value).stripped(of: given[0]?.text))
  }

  static func replaced(_ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    guard let old = given[0], let new = given[1] else {
      throw run.failure("replace takes what is replaced, and by what")
    }
    let count = given[2]?.integer ?? -1
    let text = TemplateText(try run.string(value).units)
    return try run.replace(text, try run.string(old), try run.string(new), limit: count)
  }

  /// Replaces parts of a text; a negative limit is none.
  func replace(_ text: TemplateText, _ old: TemplateText, _ new: TemplateText, limit: Int)
    throws(TokenizerError) -> TemplateValue
  {
    try charge(text.units.count + old.units.count)
    let limit = limit < 0 ? Int.max : limit
    let count =
      old.units.isEmpty ? text.units.count + 1 : text.matches(of: old, limit: limit).count
    try charge(checked(min(count, limit).multipliedReportingOverflow(by: new.units.count)))
    return try self.text(text.replacing(old, with: new, limit: limit))
  }

  static func indented(_ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    let width = given[0]?.integer ?? 4
    try run.charge(max(0, width))
    let indent = given[0]?.text?.units ?? Array(repeating: 32, count: max(0, width))
    let (indentsFirst, indentsBlank) = (given[1]?.isTrue == true, given[2]?.isTrue == true)
    var units: [UInt32] = []
    // jinja2 adds a line end, so that the last line counts too.
    let lines = TemplateText(try run.string(value).units + [10]).lines()
    for (index, line) in lines.enumerated() {
      if index > 0 { units.append(10) }
      let isIndented = index == 0 ? indentsFirst : indentsBlank || !line.units.isEmpty
      if isIndented {
        try run.charge(indent.count)
        units += indent
      }
      units += line.units
    }
    return try run.text(TemplateText(units))
  }

  /// transformers' `tojson`: Python's `json.dumps`, with characters beyond ASCII as they are.
  static func json(_ run: TemplateRun, _ value: TemplateValue, _ given: [TemplateValue?])
    throws(TokenizerError) -> TemplateValue
  {
    var writer = TemplateJSONWriter(run: run)
    writer.isASCII = given[0]?.isTrue == true
    writer.sortsKeys = given[3]?.isTrue == true
    if let indent = given[1], !indent.isNone {
      let count = indent.integer ?? 0
      try run.charge(max(0, count))
      writer.indent = indent.text?.units ?? Array(repeating: 32, count: max(0, count))
      writer.separators = ([44], [58, 32])
    }
    if let separators = given[2], !separators.isNone {
      let both = try run.items(of: separators).compactMap(\.text)
      guard both.count == 2 else { throw run.failure("separators are two texts") }
      writer.separators = (both[0].units, both[1].units)
    }
    try run.charge(value.size)
    try writer.write(value, depth: 0)
    return try run.text(TemplateText(writer.text))
  }
}

/// Writes JSON as Python's `json.dumps`.
private struct TemplateJSONWriter {
  let run: TemplateRun
  var isASCII = false
  var sortsKeys = false
  /// What a level is indented by; all on one line if nil.
  var indent: [UInt32]?
  var separators: (item: [UInt32], key: [UInt32]) = ([44, 32], [58, 32])
  private(set) var text: [UInt32] = []

  init(run: TemplateRun) { self.run = run }

  private mutating func put(_ string: String) { text += string.unicodeScalars.map(\.value) }

  private mutating func newLine(_ depth: Int) throws(TokenizerError) {
    guard let indent else { return }
    try run.charge(indent.count * depth)
    text.append(10)
    for _ in 0..<depth { text += indent }
  }

  mutating func write(_ value: TemplateValue, depth: Int) throws(TokenizerError) {
    switch value {
    case .none: put("null")
    case .bool(let value): put(value ? "true" : "false")
    case .integer(let value): put("\(value)")
    case .float(let value): put(Self.number(value))
    case .text(let string): write(string)
    case .list(let items), .tuple(let items): try write(items.items, depth: depth + 1)
    case .dict(let dict): try write(dict, depth: depth + 1)
    default:
      throw run.undefined(value) ?? run.failure("a \(value.typeName) cannot be written as JSON")
    }
  }

  private static func number(_ value: Double) -> String {
    value.isNaN
      ? "NaN" : value.isFinite ? TemplateRun.decimal(value) : value < 0 ? "-Infinity" : "Infinity"
  }

  private mutating func write(_ items: [TemplateValue], depth: Int) throws(TokenizerError) {
    guard !items.isEmpty else { return put("[]") }
    put("[")
    for (index, item) in items.enumerated() {
      if index > 0 { text += separators.item }
      try newLine(depth)
      try write(item, depth: depth)
    }
    try newLine(depth - 1)
    put("]")
  }

  private mutating func write(_ dict: TemplateDict, depth: Int) throws(TokenizerError) {
    guard !dict.keys.isEmpty else { return put("{}") }
    var members = Array(zip(dict.keys, dict.values))
    if sortsKeys {
      for (a, b) in zip(members, members.dropFirst()) { _ = try run.isLess(a.0, b.0) }
      members.sort { TemplateValue.isLess($0.0, $1.0) ?? false }
    }
    put("{")
    for (index, (key, value)) in members.enumerated() {
      if index > 0 { text += separators.item }
      try newLine(depth)
      write(try keyText(key))
      text += separators.key
      try write(value, depth: depth)
    }
    try newLine(depth - 1)
    put("}")
  }

  private func keyText(_ key: TemplateValue) throws(TokenizerError) -> TemplateText {
    switch key {
    case .text(let text): return text
    case .none: return TemplateText("null")
    case .bool(let value): return TemplateText(value ? "true" : "false")
    case .integer(let value): return TemplateText("\(value)")
    case .float(let value): return TemplateText(Self.number(value))
    default: throw run.failure("a \(key.typeName) cannot be a key of JSON")
    }
  }

  private mutating func write(_ string: TemplateText) {
    text.append(34)
    for (unit, code) in zip(string.units, string.codes) {
      switch code {
      case 34, 92: text += [92, unit]
      case 8: put("\\b")
      case 9: put("\\t")
      case 10: put("\\n")
      case 12: put("\\f")
      case 13: put("\\r")
      case 0..<32: putEscape(code)
      case 127... where isASCII && code > 126:
        if code == 127 {
          text.append(unit)
        } else if code < 0x10000 {
          putEscape(code)
        } else {
          putEscape(0xD800 + (code - 0x10000) >> 10)
          putEscape(0xDC00 + (code - 0x10000) & 0x3FF)
        }
      default: text.append(unit)
      }
    }
    text.append(34)
  }

  private mutating func putEscape(_ code: UInt32) {
    let digits = String(code, radix: 16)
    put("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
  }
}
