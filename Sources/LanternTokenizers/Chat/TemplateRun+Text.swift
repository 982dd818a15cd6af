/// Values as text, as Python writes them.
extension TemplateRun {
  /// `str(value)`.
  func string(_ value: TemplateValue) throws(TokenizerError) -> TemplateText {
    switch value {
    case .text(let text): return text
    case .undefined: return TemplateText("")
    default:
      try charge(value.size)
      var text: [UInt32] = []
      try represent(value, &text)
      try charge(text.count)
      return TemplateText(text)
    }
  }

  /// `repr(value)`.
  private func represent(_ value: TemplateValue, _ text: inout [UInt32]) throws(TokenizerError) {
    func put(_ string: String) { text += string.unicodeScalars.map(\.value) }
    switch value {
    case .none: put("None")
    case .undefined: put("Undefined")
    case .bool(let value): put(value ? "True" : "False")
    case .integer(let value): put("\(value)")
    case .float(let value): put(Self.decimal(value))
    case .text(let string): text += Self.quoted(string)
    case .list(let items): try represent(items.items, "[", "]", &text)
    case .tuple(let items):
      try represent(items.items, "(", items.items.count == 1 ? ",)" : ")", &text)
    case .dict(let dict):
      put("{")
      for (index, (key, value)) in zip(dict.keys, dict.values).enumerated() {
        if index > 0 { put(", ") }
        try represent(key, &text)
        put(": ")
        try represent(value, &text)
      }
      put("}")
    default: throw failure("a \(value.typeName) cannot be written out")
    }
  }

  private func represent(
    _ items: [TemplateValue], _ begin: String, _ end: String, _ text: inout [UInt32]
  ) throws(TokenizerError) {
    text += begin.unicodeScalars.map(\.value)
    for (index, item) in items.enumerated() {
      if index > 0 { text += [44, 32] }
      try represent(item, &text)
    }
    text += end.unicodeScalars.map(\.value)
  }

  /// A number as Python writes it: the shortest digits, with an exponent below 1e-4 and from 1e16 on.
  static func decimal(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let sign = value.sign == .minus ? "-" : ""
    // Swift's digits are the shortest too; where the point is, differs.
    let parts = "\(value.magnitude)".split(separator: "e")
    let halves = (parts.first ?? "0").split(separator: ".", omittingEmptySubsequences: false)
    let whole = halves.first ?? "0"
    let fraction = halves.count > 1 && halves[1] != "0" ? halves[1] : ""
    var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole.count
    let all = String(whole + fraction)
    let digits = String(all.drop { $0 == "0" })
    guard !digits.isEmpty else { return sign + "0.0" }
    exponent -= all.count - digits.count
    let significant = String(digits.reversed().drop { $0 == "0" }.reversed())
    let scientific = exponent - 1
    if scientific < -4 || scientific >= 16 {
      let mantissa =
        significant.count > 1 ? "\(significant.prefix(1)).\(significant.dropFirst())" : significant
      let size = "\(scientific.magnitude)"
      return sign + mantissa + "e" + (scientific < 0 ? "-" : "+") + (size.count < 2 ? "0" : "")
        + size
    }
    if exponent <= 0 {
      return sign + "0." + String(repeating: "0", count: -exponent) + significant
    }
    let padded = significant + String(repeating: "0", count: max(0, exponent - significant.count))
    let rest = padded.dropFirst(exponent)
    return sign + padded.prefix(exponent) + "." + (rest.isEmpty ? "0" : rest)
  }

  /// A string in Python's quotes.
  private static func quoted(_ string: TemplateText) -> [UInt32] {
    let codes = string.codes
    let quote: UInt32 = codes.contains(39) && !codes.contains(34) ? 34 : 39
    var text = [quote]
    for (unit, code) in zip(string.units, codes) {
      switch code {
      case quote, 92: text += [92, unit]
      case 10: text += [92, 110]
      case 13: text += [92, 114]
      case 9: text += [92, 116]
      default:
        guard !isPrintable(TemplateText.scalar(code)) else {
          text.append(unit)
          continue
        }
        let (letter, width) = code < 0x100 ? ("x", 2) : code < 0x10000 ? ("u", 4) : ("U", 8)
        let digits = String(code, radix: 16)
        let padded = String(repeating: "0", count: width - digits.count) + digits
        text += "\\\(letter)\(padded)".unicodeScalars.map(\.value)
      }
    }
    return text + [quote]
  }

  /// Python's `str.isprintable`, of Unicode 14 as in Python 3.11.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      false
    case .spaceSeparator: scalar == " "
    default: !scalar.isNewer(than: 14)
    }
  }

  // MARK: Formatting

  /// `text % value`, with `%s`, `%d` and `%%`.
  func formatted(_ text: TemplateText, with value: TemplateValue) throws(TokenizerError)
    -> TemplateValue
  {
    var values = [value]
    if case .tuple(let items) = value { values = items.items }
    var rest = values[...]
    var result: [UInt32] = []
    var position = 0
    while position < text.units.count {
      let unit = text.units[position]
      position += 1
      guard TemplateText.scalar(unit) == "%" else {
        result.append(unit)
        continue
      }
      let kind = position < text.units.count ? TemplateText.scalar(text.units[position]) : " "
      position += 1
      if kind == "%" {
        result.append(unit)
        continue
      }
      guard kind == "s" || kind == "d" else {
        throw failure("of formats only %s, %d and %% are supported")
      }
      guard let value = rest.popFirst(), kind == "s" || value.integer != nil else {
        throw failure("there are too few values for a format, or one is no integer")
      }
      let integer = kind == "d" ? value.integer : nil
      let part = try string(integer.map(TemplateValue.integer) ?? value)
      result += text.isMarkup ? part.escaped.units : part.units
      try charge(part.units.count)
    }
    guard rest.isEmpty else { throw failure("there are too many values for a format") }
    return try self.text(TemplateText(result, isMarkup: text.isMarkup))
  }

  /// `text.format(…)`, with `{}`, `{0}` and `{name}`.
  func formatted(_ text: TemplateText, with arguments: TemplateArguments) throws(TokenizerError)
    -> TemplateValue
  {
    var result: [UInt32] = []
    var (position, automatic) = (0, 0)
    let units = text.units
    while position < units.count {
      let scalar = TemplateText.scalar(units[position])
      position += 1
      guard scalar == "{" || scalar == "}" else {
        result.append(units[position - 1])
        continue
      }
      if position < units.count, TemplateText.scalar(units[position]) == scalar {
        result.append(units[position])
        position += 1
        continue
      }
      let end = units[position...].firstIndex { TemplateText.scalar($0) == "}" }
      guard scalar == "{", let end else { throw failure("a brace of format is alone") }
      let field = TemplateText(units[position..<end]).string
      position = end + 1
      if field.isEmpty { automatic += 1 }
      let index = field.isEmpty ? automatic - 1 : Int(field)
      let value =
        if let index {
          arguments.positional.indices.contains(index) ? arguments.positional[index] : nil
        } else {
          arguments.named.first { $0.name == field }?.value
        }
      guard let value else {
        throw failure("format has no value for {\(field)}; more than a name is not supported there")
      }
      let part = try string(value)
      result += text.isMarkup ? part.escaped.units : part.units
      try charge(part.units.count)
    }
    return try self.text(TemplateText(result, isMarkup: text.isMarkup))
  }
}
