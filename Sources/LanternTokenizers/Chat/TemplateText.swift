/// Text within a chat template: code points, as in Python's `str`, each of which knows whether a template wrote it
/// or people did.
struct TemplateText: Sendable {
  /// Code points; those that people typed have the bit ``typed`` too.
  var units: [UInt32]
  /// Whether it is markupsafe's `Markup`, which the filter `safe` makes: what is added to it is escaped as HTML.
  var isMarkup = false

  /// The mark of what people typed.
  static let typed: UInt32 = 1 << 31
  private static let code: UInt32 = typed - 1

  init(_ units: some Sequence<UInt32>, isMarkup: Bool = false) {
    self.units = Array(units)
    self.isMarkup = isMarkup
  }

  /// Text of a template, or typed by people.
  init(_ text: String, isTyped: Bool = false) {
    units = text.unicodeScalars.map { isTyped ? $0.value | Self.typed : $0.value }
  }

  /// Its code points without marks.
  var codes: [UInt32] { units.map { $0 & Self.code } }

  /// Its characters without marks.
  var string: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: units.lazy.map(Self.scalar))
    return String(view)
  }

  /// The character of a unit.
  static func scalar(_ unit: UInt32) -> Unicode.Scalar {
    Unicode.Scalar(unit & code) ?? "\u{FFFD}"
  }

  /// A part, as `Markup` if the whole is.
  func part(_ range: Range<Int>) -> TemplateText {
    TemplateText(units[range], isMarkup: isMarkup)
  }

  // MARK: Searching

  /// Where a text begins in this one, of all matches that do not overlap, from the left: in time proportional to
  /// both lengths, by the automaton of Knuth, Morris & Pratt 1977.
  func matches(of needle: TemplateText, limit: Int = .max) -> [Int] {
    let (text, wanted) = (codes, needle.codes)
    guard !wanted.isEmpty, limit > 0 else { return [] }
    var fallback = [0]
    var length = 0
    for index in wanted.indices.dropFirst() {
      while length > 0, wanted[index] != wanted[length] { length = fallback[length - 1] }
      if wanted[index] == wanted[length] { length += 1 }
      fallback.append(length)
    }
    var found: [Int] = []
    length = 0
    for index in text.indices where found.count < limit {
      while length > 0, text[index] != wanted[length] { length = fallback[length - 1] }
      if text[index] == wanted[length] { length += 1 }
      if length == wanted.count {
        found.append(index + 1 - length)
        length = 0
      }
    }
    return found
  }

  func contains(_ needle: TemplateText) -> Bool {
    needle.units.isEmpty || !matches(of: needle, limit: 1).isEmpty
  }

  func hasPrefix(_ other: TemplateText) -> Bool {
    TemplateText(units.prefix(other.units.count)) == other
  }

  func hasSuffix(_ other: TemplateText) -> Bool {
    TemplateText(units.suffix(other.units.count)) == other
  }

  // MARK: Taking apart

  /// `str.strip`, `lstrip` and `rstrip`: without the characters of `set` at its ends, or white space.
  func stripped(of set: TemplateText? = nil, left: Bool = true, right: Bool = true) -> TemplateText
  {
    let known = set.map { Set($0.codes) }
    func isStripped(_ unit: UInt32) -> Bool {
      known?.contains(unit & Self.code) ?? Self.isSpace(unit)
    }
    let start = left ? units.firstIndex { !isStripped($0) } ?? units.endIndex : 0
    let end = right ? (units.lastIndex { !isStripped($0) } ?? -1) + 1 : units.endIndex
    return part(start..<max(start, end))
  }

  /// `str.split` at a text that is not empty.
  func split(at separator: TemplateText, limit: Int, fromRight: Bool = false) -> [TemplateText] {
    var starts: [Int]
    if fromRight {
      let count = units.count
      let (back, needle) = (
        TemplateText(units.reversed()), TemplateText(separator.units.reversed())
      )
      starts = back.matches(of: needle, limit: limit).map { count - $0 - needle.units.count }
      starts.reverse()
    } else {
      starts = matches(of: separator, limit: limit)
    }
    var parts: [TemplateText] = []
    var from = 0
    for start in starts {
      parts.append(part(from..<start))
      from = start + separator.units.count
    }
    return parts + [part(from..<units.count)]
  }

  /// `str.split` at white space, which is left out at both ends.
  func words(limit: Int) -> [TemplateText] {
    var parts: [TemplateText] = []
    var position = units.firstIndex { !Self.isSpace($0) } ?? units.count
    while position < units.count {
      let end = units[position...].firstIndex { Self.isSpace($0) } ?? units.count
      if parts.count == limit {
        return parts + [part(position..<units.count).stripped(left: false)]
      }
      parts.append(part(position..<end))
      position = units[end...].firstIndex { !Self.isSpace($0) } ?? units.count
    }
    return parts
  }

  /// `str.splitlines`.
  func lines() -> [TemplateText] {
    var lines: [TemplateText] = []
    var start = 0
    let codes = codes
    var index = 0
    while index < codes.count {
      let code = codes[index]
      index += 1
      guard Self.lineEnds.contains(code) else { continue }
      lines.append(part(start..<index - 1))
      if code == 13, index < codes.count, codes[index] == 10 { index += 1 }
      start = index
    }
    return start < codes.count ? lines + [part(start..<codes.count)] : lines
  }

  private static let lineEnds: Set<UInt32> = [10, 11, 12, 13, 28, 29, 30, 0x85, 0x2028, 0x2029]

  // MARK: Changing

  /// `str.replace`.
  func replacing(_ old: TemplateText, with new: TemplateText, limit: Int) -> TemplateText {
    var result: [UInt32] = []
    if old.units.isEmpty {
      for (index, unit) in units.enumerated() {
        if index < limit { result += new.units }
        result.append(unit)
      }
      if units.count < limit { result += new.units }
      return TemplateText(result, isMarkup: isMarkup)
    }
    for (index, part) in split(at: old, limit: limit).enumerated() {
      if index > 0 { result += new.units }
      result += part.units
    }
    return TemplateText(result, isMarkup: isMarkup)
  }

  /// The characters that `change` makes of each; marks stay.
  func mapped(_ change: (Unicode.Scalar) -> String) -> TemplateText {
    var result: [UInt32] = []
    result.reserveCapacity(units.count)
    for unit in units {
      for scalar in change(Self.scalar(unit)).unicodeScalars {
        result.append(scalar.value | unit & Self.typed)
      }
    }
    return TemplateText(result, isMarkup: isMarkup)
  }

  var lowercased: TemplateText { mapped { $0.properties.lowercaseMapping } }
  var uppercased: TemplateText { mapped { $0.properties.uppercaseMapping } }

  /// Escaped as HTML, as markupsafe does it.
  var escaped: TemplateText {
    guard !isMarkup else { return self }
    var result = mapped { scalar in
      switch scalar {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "'": "&#39;"
      case "\"": "&#34;"
      default: String(scalar)
      }
    }
    result.isMarkup = true
    return result
  }

  /// The white space of Python's `str.isspace`.
  static func isSpace(_ unit: UInt32) -> Bool {
    switch unit & code {
    case 9...13, 28...32, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
      0x3000:
      true
    default: false
    }
  }
}

extension TemplateText: Hashable {
  static func == (a: TemplateText, b: TemplateText) -> Bool {
    a.units.count == b.units.count
      && zip(a.units, b.units).allSatisfy { $0 & code == $1 & code }
  }

  func hash(into hasher: inout Hasher) { hasher.combine(codes) }

  /// In the order of code points.
  static func < (a: TemplateText, b: TemplateText) -> Bool {
    a.codes.lexicographicallyPrecedes(b.codes)
  }
}
