/// Parses the statements of a chat template: the part of jinja2 (3.1) that chat templates use. The rest is refused
/// by name and line.
struct TemplateParser {
  private let tokens: [TemplateToken]
  let file: String
  private var position = 0
  private var nesting = 0
  /// The macros that are being defined.
  private var macros = 0
  private var loops = 0

  /// The deepest that statements or expressions may be nested.
  static let depthLimit = 100

  private init(_ tokens: [TemplateToken], _ file: String) {
    (self.tokens, self.file) = (tokens, file)
  }

  /// The statements of a template.
  ///
  /// - Throws: ``TokenizerError/template(file:line:reason:)``.
  static func parse(_ source: String, file: String) throws(TokenizerError) -> [TemplateStatement] {
    var parser = TemplateParser(try TemplateLexer.tokens(of: source, file: file), file)
    return try parser.body(until: [])
  }

  // MARK: Tokens

  var token: TemplateToken { tokens[position] }
  var next: TemplateToken { tokens[min(position + 1, tokens.count - 1)] }

  func failure(_ reason: String, line: Int? = nil) -> TokenizerError {
    .template(file: file, line: line ?? token.line, reason: reason)
  }

  /// Passes over a token; never over the last, which is the end.
  mutating func advance() { if position + 1 < tokens.count { position += 1 } }

  func isName(_ name: String) -> Bool { token.kind == .name(name) }

  mutating func skip(name: String) -> Bool { skip(.name(name)) }
  mutating func skip(symbol: String) -> Bool { skip(.symbol(symbol)) }

  private mutating func skip(_ kind: TemplateToken.Kind) -> Bool {
    guard token.kind == kind else { return false }
    advance()
    return true
  }

  mutating func expect(symbol: String) throws(TokenizerError) {
    guard skip(symbol: symbol) else { throw unexpected("\"\(symbol)\"") }
  }

  mutating func expectName() throws(TokenizerError) -> String {
    guard case .name(let name) = token.kind else { throw unexpected("a name") }
    advance()
    return name
  }

  func unexpected(_ wanted: String) -> TokenizerError {
    let found =
      switch token.kind {
      case .text: "text"
      case .outputBegin: "{{"
      case .outputEnd: "}}"
      case .statementBegin: "{%"
      case .statementEnd: "%}"
      case .name(let name): "\"\(name)\""
      case .string: "a string"
      case .integer(let value): "\(value)"
      case .float(let value): "\(value)"
      case .symbol(let symbol): "\"\(symbol)\""
      case .end: "the end of the template"
      }
    return failure("\(wanted) should be where \(found) is")
  }

  /// Runs `body` one level deeper.
  mutating func deeper<Value>(_ body: (inout TemplateParser) throws(TokenizerError) -> Value)
    throws(TokenizerError) -> Value
  {
    nesting += 1
    defer { nesting -= 1 }
    guard nesting <= Self.depthLimit else {
      throw failure("it is nested more than \(Self.depthLimit) levels deep")
    }
    return try body(&self)
  }

  // MARK: Statements

  /// Statements up to one of the names, which is passed over with its end mark where `closes`.
  private mutating func body(until ends: Set<String>, closes: Bool = true) throws(TokenizerError)
    -> [TemplateStatement]
  {
    let begin = token.line
    var statements: [TemplateStatement] = []
    while true {
      switch token.kind {
      case .text(let text):
        statements.append(.text(text))
        advance()
      case .outputBegin:
        advance()
        statements.append(.output(try expressionOrTuple()))
        guard skip(.outputEnd) else { throw unexpected("}}") }
      case .statementBegin:
        advance()
        if case .name(let name) = token.kind, ends.contains(name) {
          if closes {
            advance()
            try endStatement()
          }
          return statements
        }
        statements.append(try deeper { parser throws(TokenizerError) in try parser.statement() })
      default:
        guard ends.isEmpty else {
          throw failure("\(ends.sorted().joined(separator: " or ")) is missing", line: begin)
        }
        return statements
      }
    }
  }

  private mutating func endStatement() throws(TokenizerError) {
    guard skip(.statementEnd) else { throw unexpected("%}") }
  }

  private mutating func statement() throws(TokenizerError) -> TemplateStatement {
    let line = token.line
    let name = try expectName()
    switch name {
    case "if": return try condition()
    case "for": return try loop()
    case "set": return try set()
    case "macro": return try macro()
    case "filter":
      let filters = try filterNames(startsInline: true)
      try endStatement()
      return .filtered(.init(filters: filters, body: try body(until: ["endfilter"])))
    case "generation":
      try endStatement()
      return .block(try body(until: ["endgeneration"]))
    case "break", "continue":
      guard loops > 0 else { throw failure("\(name) is in no loop", line: line) }
      try endStatement()
      return name == "break" ? .leaveLoop : .nextItem
    default:
      throw failure("the statement \"\(name)\" is not supported", line: line)
    }
  }

  private mutating func condition() throws(TokenizerError) -> TemplateStatement {
    var branches: [(test: TemplateExpression, body: [TemplateStatement])] = []
    while true {
      let test = try expressionOrTuple()
      try endStatement()
      branches.append((test, try body(until: ["elif", "else", "endif"], closes: false)))
      let name = try expectName()
      if name == "elif" { continue }
      try endStatement()
      return .condition(branches, else: name == "else" ? try body(until: ["endif"]) : [])
    }
  }

  private mutating func loop() throws(TokenizerError) -> TemplateStatement {
    let target = try self.target(mayBeAttribute: false)
    guard skip(name: "in") else { throw unexpected("\"in\"") }
    let items = try expressionOrTuple(withConditional: false)
    let test = skip(name: "if") ? try expression() : nil
    if isName("recursive") { throw failure("recursive loops are not supported") }
    try endStatement()
    loops += 1
    let body = try self.body(until: ["else", "endfor"], closes: false)
    loops -= 1
    let hasElse = try expectName() == "else"
    try endStatement()
    return .loop(
      .init(
        target: target, items: items, test: test, body: body,
        otherwise: hasElse ? try self.body(until: ["endfor"]) : []))
  }

  private mutating func target(mayBeAttribute: Bool) throws(TokenizerError)
    -> TemplateStatement.Target
  {
    let isTuple = skip(symbol: "(")
    var names = [try newName()]
    if mayBeAttribute, !isTuple, skip(symbol: ".") {
      return .attribute(of: names[0], try expectName())
    }
    var hasComma = false
    while skip(symbol: ",") {
      hasComma = true
      guard case .name(let name) = token.kind, name != "in" else { break }
      names.append(try newName())
    }
    if isTuple { try expect(symbol: ")") }
    return hasComma ? .names(names) : .name(names[0])
  }

  /// A name that may be set.
  private mutating func newName() throws(TokenizerError) -> String {
    let line = token.line
    let name = try expectName()
    guard !Self.constants.contains(name) else {
      throw failure("\(name) cannot be set", line: line)
    }
    return name
  }

  static let constants: Set<String> = ["true", "True", "false", "False", "none", "None"]

  private mutating func set() throws(TokenizerError) -> TemplateStatement {
    let target = try self.target(mayBeAttribute: true)
    if skip(symbol: "=") {
      let value = try expressionOrTuple()
      try endStatement()
      return .set(target, value)
    }
    let filters = try filterNames(startsInline: false)
    try endStatement()
    return .capture(target, .init(filters: filters, body: try body(until: ["endset"])))
  }

  private mutating func filterNames(startsInline: Bool) throws(TokenizerError) -> [(
    name: String, arguments: TemplateExpression.Arguments, line: Int
  )] {
    var filters: [(name: String, arguments: TemplateExpression.Arguments, line: Int)] = []
    while startsInline && filters.isEmpty || skip(symbol: "|") {
      let line = token.line
      let name = try expectName()
      let hasArguments = token.kind == .symbol("(")
      filters.append((name, hasArguments ? try arguments() : .init(), line))
    }
    return filters
  }

  private mutating func macro() throws(TokenizerError) -> TemplateStatement {
    let name = try newName()
    try expect(symbol: "(")
    var parameters: [(name: String, default: TemplateExpression?)] = []
    while !skip(symbol: ")") {
      if !parameters.isEmpty { try expect(symbol: ",") }
      let parameter = try newName()
      let value = skip(symbol: "=") ? try expression() : nil
      guard value != nil || parameters.last?.default == nil else {
        throw failure("the parameter \(parameter) without a default follows one with")
      }
      parameters.append((parameter, value))
    }
    try endStatement()
    macros += 1
    // A loop around a macro is not its own.
    let outer = loops
    loops = 0
    defer {
      macros -= 1
      loops = outer
    }
    return .macro(.init(name, parameters, try body(until: ["endmacro"])))
  }

  /// Checks the name of what an expression reads.
  func check(name: String, line: Int) throws(TokenizerError) {
    if macros > 0, ["varargs", "kwargs", "caller"].contains(name) {
      throw failure("\"\(name)\" of a macro is not supported", line: line)
    }
    if ["lipsum", "cycler", "joiner", "self", "super"].contains(name) {
      throw failure("\"\(name)\" is not supported", line: line)
    }
  }
}
