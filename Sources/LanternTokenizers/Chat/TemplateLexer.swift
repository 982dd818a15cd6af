/// A token of a chat template, and its line.
struct TemplateToken {
  enum Kind: Equatable {
    case text(TemplateText)
    case outputBegin, outputEnd, statementBegin, statementEnd
    case name(String)
    case string(TemplateText)
    case integer(Int)
    case float(Double)
    case symbol(String)
    case end
  }

  let kind: Kind
  let line: Int
}

/// Cuts a chat template into tokens, as jinja2 (3.1) does with `trim_blocks` and `lstrip_blocks`: the line end behind
/// a statement or comment goes, and so does white space between the beginning of a line and one.
struct TemplateLexer {
  private let scalars: [Unicode.Scalar]
  private let file: String
  private var position = 0
  private var line = 1
  private var tokens: [TemplateToken] = []
  /// Brackets within an expression: in those `}}` ends nothing.
  private var brackets: [Unicode.Scalar] = []

  /// Maximum characters of a template, and of its tokens: a hundred times those of any known one.
  static let lengthLimit = 1 << 20

  private init(_ scalars: [Unicode.Scalar], _ file: String) {
    (self.scalars, self.file) = (scalars, file)
  }

  /// The tokens of a template; the last is `.end`.
  ///
  /// - Throws: ``TokenizerError/template(file:line:reason:)``.
  static func tokens(of source: String, file: String) throws(TokenizerError) -> [TemplateToken] {
    var text = normalized(source)
    if text.last == "\n" { text.removeLast() }
    var lexer = TemplateLexer(text, file)
    guard text.count <= lengthLimit else {
      throw lexer.failure("it has more than \(lengthLimit) characters")
    }
    try lexer.readAll()
    return lexer.tokens
  }

  /// With all line ends as line feeds.
  private static func normalized(_ source: String) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var previous: Unicode.Scalar?
    for scalar in source.unicodeScalars {
      if scalar == "\n", previous == "\r" {
        previous = scalar
        continue
      }
      result.append(scalar == "\r" ? "\n" : scalar)
      previous = scalar
    }
    return result
  }

  private func failure(_ reason: String) -> TokenizerError {
    .template(file: file, line: line, reason: reason)
  }

  private func isHere(_ text: String, at offset: Int = 0) -> Bool {
    let start = position + offset
    return start <= scalars.count && scalars[start...].starts(with: text.unicodeScalars)
  }

  private mutating func emit(_ kind: TemplateToken.Kind) {
    tokens.append(TemplateToken(kind: kind, line: line))
  }

  private mutating func readAll() throws(TokenizerError) {
    var isAtLineStart = true
    while position < scalars.count {
      let start = position
      while position < scalars.count, !isHere("{{"), !isHere("{%"), !isHere("{#") { position += 1 }
      var text = scalars[start..<position]
      guard position < scalars.count else {
        emitText(text)
        break
      }
      let isOutput = isHere("{{")
      if isHere("-", at: 2) {
        while let last = text.last, TemplateText.isSpace(last.value) { text.removeLast() }
      } else if !isHere("+", at: 2), !isOutput {
        let line = (text.lastIndex(of: "\n") ?? text.startIndex - 1) + 1
        if line > text.startIndex || isAtLineStart,
          text[line...].allSatisfy({ TemplateText.isSpace($0.value) })
        {
          text = text[..<line]
        }
      }
      emitText(text)
      // What was stripped has lines too.
      line += scalars[text.endIndex..<position].count { $0 == "\n" }
      let isComment = isHere("{#")
      position += isHere("-", at: 2) || isHere("+", at: 2) ? 3 : 2
      if isComment {
        try readComment()
      } else {
        try readCode(isOutput: isOutput)
      }
      isAtLineStart = position > 0 && scalars[position - 1] == "\n"
    }
    emit(.end)
  }

  private mutating func emitText(_ text: ArraySlice<Unicode.Scalar>) {
    if !text.isEmpty { emit(.text(TemplateText(text.lazy.map(\.value)))) }
    line += text.count { $0 == "\n" }
  }

  private mutating func readComment() throws(TokenizerError) {
    let begin = line
    while position < scalars.count {
      if try readEnd("#}", trimsLine: true) { return }
      if scalars[position] == "\n" { line += 1 }
      position += 1
    }
    line = begin
    throw failure("a comment {# … #} does not end")
  }

  /// Reads an end mark, with the white space that it takes along.
  private mutating func readEnd(_ mark: String, trimsLine: Bool) throws(TokenizerError) -> Bool {
    if isHere("-" + mark) {
      position += 3
      while position < scalars.count, TemplateText.isSpace(scalars[position].value) {
        if scalars[position] == "\n" { line += 1 }
        position += 1
      }
      return true
    }
    let keepsLine = trimsLine && isHere("+" + mark)
    guard keepsLine || isHere(mark) else { return false }
    position += keepsLine ? 3 : 2
    if trimsLine, !keepsLine, isHere("\n") {
      line += 1
      position += 1
    }
    return true
  }

  private mutating func readCode(isOutput: Bool) throws(TokenizerError) {
    emit(isOutput ? .outputBegin : .statementBegin)
    brackets = []
    let mark = isOutput ? "}}" : "%}"
    while position < scalars.count {
      if brackets.isEmpty {
        let kind: TemplateToken.Kind = isOutput ? .outputEnd : .statementEnd
        let token = TemplateToken(kind: kind, line: line)
        if try readEnd(mark, trimsLine: !isOutput) {
          tokens.append(token)
          return
        }
      }
      try readToken()
    }
    throw failure("the template ends within {\(isOutput ? "{" : "%") … \(mark)")
  }

  private mutating func readToken() throws(TokenizerError) {
    let scalar = scalars[position]
    if TemplateText.isSpace(scalar.value) {
      if scalar == "\n" { line += 1 }
      position += 1
    } else if ("0"..."9").contains(scalar) {
      try readNumber()
    } else if Self.isName(scalar) {
      let start = position
      while position < scalars.count, Self.isName(scalars[position]) { position += 1 }
      emit(.name(Self.text(scalars[start..<position])))
    } else if scalar == "'" || scalar == "\"" {
      try readString(scalar)
    } else {
      try readSymbol(scalar)
    }
  }

  private static func isName(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "_" { return true }
    let kind = ScalarKind(scalar)
    return kind == .letter || kind == .number
  }

  private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private mutating func readSymbol(_ scalar: Unicode.Scalar) throws(TokenizerError) {
    let two = ["//", "**", "==", "!=", ">=", "<="].first { isHere($0) }
    guard let symbol = two ?? (Self.symbols.contains(scalar) ? String(scalar) : nil) else {
      throw failure("the character \(String(scalar).debugDescription) makes no sense here")
    }
    position += symbol.unicodeScalars.count
    if let closing = Self.closing[scalar] { brackets.append(closing) }
    if Self.closing.values.contains(scalar), brackets.popLast() != scalar {
      throw failure("\"\(scalar)\" closes nothing")
    }
    emit(.symbol(symbol))
  }

  private static let closing: [Unicode.Scalar: Unicode.Scalar] = ["(": ")", "[": "]", "{": "}"]
  private static let symbols = Set("+-*/%~()[]{}<>=.:|,;".unicodeScalars)

  private mutating func skipDigits() {
    while position < scalars.count,
      ("0"..."9").contains(scalars[position]) || scalars[position] == "_"
    {
      position += 1
    }
  }

  private mutating func readNumber() throws(TokenizerError) {
    let start = position
    skipDigits()
    func isDigit(at offset: Int) -> Bool {
      position + offset < scalars.count && ("0"..."9").contains(scalars[position + offset])
    }
    var isFloat = false
    let isAttribute = tokens.last?.kind == .symbol(".")
    if !isAttribute, isHere("."), isDigit(at: 1) {
      isFloat = true
      position += 1
      skipDigits()
    }
    if !isAttribute, isHere("e") || isHere("E") {
      let sign = isHere("+", at: 1) || isHere("-", at: 1) ? 1 : 0
      if isDigit(at: 1 + sign) {
        isFloat = true
        position += 1 + sign
        skipDigits()
      }
    }
    let digits = Self.text(scalars[start..<position]).filter { $0 != "_" }
    if isFloat, let value = Double(digits) {
      emit(.float(value))
    } else if let value = Int(digits),
      position == scalars.count || !Self.isName(scalars[position])
    {
      emit(.integer(value))
    } else {
      throw failure("the number \(digits) is none that Lantern reads")
    }
  }

  private mutating func readString(_ quote: Unicode.Scalar) throws(TokenizerError) {
    let begin = line
    var text: [UInt32] = []
    position += 1
    while position < scalars.count {
      let scalar = scalars[position]
      position += 1
      if scalar == "\n" { line += 1 }
      if scalar == quote {
        tokens.append(TemplateToken(kind: .string(TemplateText(text)), line: begin))
        return
      }
      if scalar == "\\", position < scalars.count {
        text += try readEscape()
      } else {
        text.append(scalar.value)
      }
    }
    line = begin
    throw failure("a string does not end")
  }

  /// Reads what follows a backslash, as Python's `unicode-escape`.
  private mutating func readEscape() throws(TokenizerError) -> [UInt32] {
    let scalar = scalars[position]
    position += 1
    if let plain = Self.escapes[scalar] { return plain.unicodeScalars.map(\.value) }
    let digits = ["x": 2, "u": 4, "U": 8][scalar]
    if let digits {
      let end = min(position + digits, scalars.count)
      let code = UInt32(Self.text(scalars[position..<end]), radix: 16)
      guard end == position + digits, let code, Unicode.Scalar(code) != nil else {
        throw failure("\\\(scalar) wants \(digits) hexadecimal digits of a character")
      }
      position = end
      return [code]
    }
    if scalar == "N" { throw failure("characters by name, \\N{…}, are not supported") }
    if ("0"..."7").contains(scalar) {
      var code = scalar.value - 48
      for _ in 0..<2 where position < scalars.count && ("0"..."7").contains(scalars[position]) {
        code = code * 8 + scalars[position].value - 48
        position += 1
      }
      return [code]
    }
    if scalar == "\n" { line += 1 }
    return scalar == "\n" ? [] : [92, scalar.value]
  }

  private static let escapes: [Unicode.Scalar: String] = [
    "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}",
    "f": "\u{C}", "v": "\u{B}",
  ]
}
