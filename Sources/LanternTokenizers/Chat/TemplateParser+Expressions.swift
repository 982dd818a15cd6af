/// Expressions, in the order of precedence that jinja2's parser has.
extension TemplateParser {
  private typealias Kind = TemplateExpression.Kind

  private static let heightLimit = 200

  private func make(
    _ line: Int, _ kind: TemplateExpression.Kind, of parts: [TemplateExpression]
  ) throws(TokenizerError) -> TemplateExpression {
    let height = 1 + (parts.lazy.map(\.height).max() ?? 0)
    guard height <= Self.heightLimit else {
      throw failure("an expression has more than \(Self.heightLimit) levels", line: line)
    }
    return TemplateExpression(kind: kind, line: line, height: height)
  }

  /// An expression, or several with commas between: a tuple.
  mutating func expressionOrTuple(withConditional: Bool = true) throws(TokenizerError)
    -> TemplateExpression
  {
    let line = token.line
    let first = try withConditional ? expression() : disjunction()
    guard token.kind == .symbol(",") else { return first }
    var items = [first]
    while skip(symbol: ",") {
      switch token.kind {
      case .outputEnd, .statementEnd, .symbol(")"): return try make(line, .tuple(items), of: items)
      default: items.append(try withConditional ? expression() : disjunction())
      }
    }
    return try make(line, .tuple(items), of: items)
  }

  /// An expression.
  mutating func expression() throws(TokenizerError) -> TemplateExpression {
    try deeper { parser throws(TokenizerError) in try parser.conditional() }
  }

  private mutating func conditional() throws(TokenizerError) -> TemplateExpression {
    var value = try disjunction()
    while isName("if") {
      let line = token.line
      advance()
      let test = try disjunction()
      let other = skip(name: "else") ? try expression() : nil
      value = try make(
        line, .conditional(if: test, then: value, else: other),
        of: [test, value] + (other.map { [$0] } ?? []))
    }
    return value
  }

  private mutating func disjunction() throws(TokenizerError) -> TemplateExpression {
    var left = try conjunction()
    while isName("or") {
      let line = token.line
      advance()
      let right = try conjunction()
      left = try make(line, .or(left, right), of: [left, right])
    }
    return left
  }

  private mutating func conjunction() throws(TokenizerError) -> TemplateExpression {
    var left = try negation()
    while isName("and") {
      let line = token.line
      advance()
      let right = try negation()
      left = try make(line, .and(left, right), of: [left, right])
    }
    return left
  }

  private mutating func negation() throws(TokenizerError) -> TemplateExpression {
    let line = token.line
    guard skip(name: "not") else { return try comparison() }
    let value = try deeper { parser throws(TokenizerError) in try parser.negation() }
    return try make(line, .unary(.not, value), of: [value])
  }

  private mutating func comparison() throws(TokenizerError) -> TemplateExpression {
    let line = token.line
    let first = try sum()
    var others: [(TemplateExpression.Comparison, TemplateExpression)] = []
    while let comparison = skipComparison() { others.append((comparison, try sum())) }
    if others.isEmpty { return first }
    return try make(line, .compare(first, others), of: [first] + others.map(\.1))
  }

  private mutating func skipComparison() -> TemplateExpression.Comparison? {
    let found: TemplateExpression.Comparison? =
      switch token.kind {
      case .symbol("=="): .equal
      case .symbol("!="): .notEqual
      case .symbol("<"): .less
      case .symbol("<="): .lessOrEqual
      case .symbol(">"): .greater
      case .symbol(">="): .greaterOrEqual
      case .name("in"): .isIn
      case .name("not") where next.kind == .name("in"): .isNotIn
      default: nil
      }
    if found != nil { advance() }
    if case .isNotIn = found { advance() }
    return found
  }

  private mutating func sum() throws(TokenizerError) -> TemplateExpression {
    var left = try concatenation()
    while true {
      let line = token.line
      let operation: TemplateExpression.Binary
      switch token.kind {
      case .symbol("+"): operation = .add
      case .symbol("-"): operation = .subtract
      default: return left
      }
      advance()
      let right = try concatenation()
      left = try make(line, .binary(operation, left, right), of: [left, right])
    }
  }

  private mutating func concatenation() throws(TokenizerError) -> TemplateExpression {
    let line = token.line
    var parts = [try product()]
    while skip(symbol: "~") { parts.append(try product()) }
    return parts.count == 1 ? parts[0] : try make(line, .concatenation(parts), of: parts)
  }

  private mutating func product() throws(TokenizerError) -> TemplateExpression {
    var left = try power()
    while true {
      let line = token.line
      let operation: TemplateExpression.Binary
      switch token.kind {
      case .symbol("*"): operation = .multiply
      case .symbol("/"): operation = .divide
      case .symbol("//"): operation = .floorDivide
      case .symbol("%"): operation = .modulo
      default: return left
      }
      advance()
      let right = try power()
      left = try make(line, .binary(operation, left, right), of: [left, right])
    }
  }

  private mutating func power() throws(TokenizerError) -> TemplateExpression {
    var left = try unary()
    while token.kind == .symbol("**") {
      let line = token.line
      advance()
      let right = try unary()
      left = try make(line, .binary(.power, left, right), of: [left, right])
    }
    return left
  }

  private mutating func unary(withFilters: Bool = true) throws(TokenizerError)
    -> TemplateExpression
  {
    let line = token.line
    var value: TemplateExpression
    if token.kind == .symbol("-") || token.kind == .symbol("+") {
      let sign: TemplateExpression.Unary = token.kind == .symbol("-") ? .negative : .positive
      advance()
      value = try deeper { parser throws(TokenizerError) in
        try parser.unary(withFilters: false)
      }
      value = try make(line, .unary(sign, value), of: [value])
    } else {
      value = try primary()
    }
    value = try postfix(value)
    return withFilters ? try filters(value) : value
  }

  private mutating func primary() throws(TokenizerError) -> TemplateExpression {
    let line = token.line
    switch token.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return try make(line, .constant(.bool(true)), of: [])
      case "false", "False": return try make(line, .constant(.bool(false)), of: [])
      case "none", "None": return try make(line, .constant(.none), of: [])
      default:
        try check(name: name, line: line)
        return try make(line, .name(name), of: [])
      }
    case .string(var text):
      advance()
      while case .string(let more) = token.kind {
        text.units += more.units
        advance()
      }
      return try make(line, .constant(.text(text)), of: [])
    case .integer(let value):
      advance()
      return try make(line, .constant(.integer(value)), of: [])
    case .float(let value):
      advance()
      return try make(line, .constant(.float(value)), of: [])
    case .symbol("("):
      advance()
      if skip(symbol: ")") { return try make(line, .tuple([]), of: []) }
      let value = try expressionOrTuple()
      try expect(symbol: ")")
      return value
    case .symbol("["): return try list(line)
    case .symbol("{"): return try dictionary(line)
    default: throw unexpected("an expression")
    }
  }

  private mutating func list(_ line: Int) throws(TokenizerError) -> TemplateExpression {
    advance()
    var items: [TemplateExpression] = []
    while !skip(symbol: "]") {
      if !items.isEmpty {
        try expect(symbol: ",")
        if skip(symbol: "]") { break }
      }
      items.append(try expression())
    }
    return try make(line, .list(items), of: items)
  }

  private mutating func dictionary(_ line: Int) throws(TokenizerError) -> TemplateExpression {
    advance()
    var (keys, values): ([TemplateExpression], [TemplateExpression]) = ([], [])
    while !skip(symbol: "}") {
      if !keys.isEmpty {
        try expect(symbol: ",")
        if skip(symbol: "}") { break }
      }
      keys.append(try expression())
      try expect(symbol: ":")
      values.append(try expression())
    }
    return try make(line, .dict(keys: keys, values: values), of: keys + values)
  }

  private mutating func postfix(_ start: TemplateExpression) throws(TokenizerError)
    -> TemplateExpression
  {
    var value = start
    while true {
      let line = token.line
      switch token.kind {
      case .symbol("."):
        advance()
        if case .integer(let index) = token.kind {
          advance()
          let item = try make(line, .constant(.integer(index)), of: [])
          value = try make(line, .item(value, item), of: [value])
        } else {
          value = try make(line, .attribute(value, try expectName()), of: [value])
        }
      case .symbol("["):
        advance()
        value = try subscripted(value, line)
      case .symbol("("):
        let arguments = try self.arguments()
        value = try make(line, .call(value, arguments), of: [value] + arguments.all)
      default: return value
      }
    }
  }

  private mutating func subscripted(_ value: TemplateExpression, _ line: Int)
    throws(TokenizerError) -> TemplateExpression
  {
    var bounds: [TemplateExpression?] = [nil]
    while true {
      switch token.kind {
      case .symbol(":"):
        advance()
        bounds.append(nil)
      case .symbol("]"):
        advance()
        guard bounds.count <= 3, bounds.count > 1 || bounds[0] != nil else {
          throw failure("an index is missing, or there are too many colons", line: line)
        }
        let parts = [value] + bounds.compactMap { $0 }
        if bounds.count == 1 { return try make(line, .item(value, parts[1]), of: parts) }
        return try make(line, .slice(value, bounds), of: parts)
      default:
        guard bounds[bounds.count - 1] == nil else { throw unexpected("\"]\"") }
        bounds[bounds.count - 1] = try expression()
      }
    }
  }

  mutating func arguments() throws(TokenizerError) -> TemplateExpression.Arguments {
    let line = token.line
    advance()
    var arguments = TemplateExpression.Arguments()
    var isFirst = true
    while !skip(symbol: ")") {
      if !isFirst {
        try expect(symbol: ",")
        if skip(symbol: ")") { break }
      }
      isFirst = false
      if token.kind == .symbol("*") || token.kind == .symbol("**") {
        throw failure("arguments with * are not supported")
      }
      if case .name(let name) = token.kind, next.kind == .symbol("=") {
        advance()
        advance()
        arguments.named.append((name, try expression()))
      } else {
        guard arguments.named.isEmpty else {
          throw failure("an argument without a name follows one with", line: line)
        }
        arguments.positional.append(try expression())
      }
    }
    return arguments
  }

  private mutating func filters(_ start: TemplateExpression) throws(TokenizerError)
    -> TemplateExpression
  {
    var value = start
    while true {
      let line = token.line
      switch token.kind {
      case .symbol("|"):
        advance()
        let name = try expectName()
        let given = token.kind == .symbol("(") ? try arguments() : .init()
        value = try make(line, .filter(value, name, given), of: [value] + given.all)
      case .name("is"):
        advance()
        value = try test(of: value, line)
      case .symbol("("):
        let given = try arguments()
        value = try make(line, .call(value, given), of: [value] + given.all)
      default: return value
      }
    }
  }

  private mutating func test(of value: TemplateExpression, _ line: Int) throws(TokenizerError)
    -> TemplateExpression
  {
    let isNegated = skip(name: "not")
    let name = try expectName()
    var given = TemplateExpression.Arguments()
    switch token.kind {
    case .symbol("("): given = try arguments()
    case .name("else"), .name("or"), .name("and"): break
    case .name("is"): throw failure("tests with \"is\" cannot be chained")
    case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
      let argument = try primary()
      given.positional = [try postfix(argument)]
    default: break
    }
    let test = try make(line, .test(value, name, given), of: [value] + given.all)
    return isNegated ? try make(line, .unary(.not, test), of: [test]) : test
  }
}
