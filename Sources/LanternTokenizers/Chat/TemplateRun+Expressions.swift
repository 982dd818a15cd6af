extension TemplateRun {
  /// The value of an expression.
  func evaluate(_ expression: TemplateExpression) throws(TokenizerError) -> TemplateValue {
    line = expression.line
    let result = try deeper { () throws(TokenizerError) -> TemplateValue in
      try value(of: expression.kind)
    }
    line = expression.line
    return result
  }

  func evaluate(_ arguments: TemplateExpression.Arguments) throws(TokenizerError)
    -> TemplateArguments
  {
    var values = TemplateArguments()
    for argument in arguments.positional { values.positional.append(try evaluate(argument)) }
    for (name, argument) in arguments.named { values.named.append((name, try evaluate(argument))) }
    return values
  }

  private func evaluate(_ expressions: [TemplateExpression]) throws(TokenizerError)
    -> [TemplateValue]
  {
    var values: [TemplateValue] = []
    for expression in expressions { values.append(try evaluate(expression)) }
    return values
  }

  private func value(of kind: TemplateExpression.Kind) throws(TokenizerError) -> TemplateValue {
    switch kind {
    case .constant(let constant): return value(of: constant)
    case .name(let name):
      return scope[name]
        ?? (Self.functions.contains(name) ? .function(name) : .undefined("\"\(name)\""))
    case .list(let items): return try list(try evaluate(items))
    case .tuple(let items): return try tuple(try evaluate(items))
    case .dict(let keys, let values): return try dict(keys, values)
    case .unary(let operation, let operand): return try apply(operation, try evaluate(operand))
    case .binary(let operation, let left, let right):
      let left = try evaluate(left)
      return try apply(operation, left, try evaluate(right))
    case .and(let left, let right):
      let left = try evaluate(left)
      return left.isTrue ? try evaluate(right) : left
    case .or(let left, let right):
      let left = try evaluate(left)
      return left.isTrue ? left : try evaluate(right)
    case .compare(let first, let others): return .bool(try compare(first, others))
    case .concatenation(let parts): return try concatenated(try evaluate(parts))
    case .conditional(let test, let value, let other):
      if try evaluate(test).isTrue { return try evaluate(value) }
      guard let other else { return .undefined("what an \"if\" without \"else\" gives") }
      return try evaluate(other)
    default: return try access(kind)
    }
  }

  /// What reads from values, or calls them.
  private func access(_ kind: TemplateExpression.Kind) throws(TokenizerError) -> TemplateValue {
    switch kind {
    case .attribute(let value, let name): return try attribute(name, of: try evaluate(value))
    case .item(let value, let index):
      let value = try evaluate(value)
      return try item(try evaluate(index), of: value)
    case .slice(let value, let bounds):
      let value = try evaluate(value)
      var limits: [Int?] = []
      for bound in bounds { limits.append(try bound.map(sliceBound) ?? nil) }
      return try slice(value, limits + Array(repeating: nil, count: 3 - limits.count))
    case .call(let callee, let arguments):
      let callee = try evaluate(callee)
      return try call(callee, try evaluate(arguments))
    case .filter(let value, let name, let arguments):
      let value = try evaluate(value)
      return try filter(name, value, try evaluate(arguments))
    case .test(let value, let name, let arguments):
      let value = try evaluate(value)
      return .bool(try test(name, value, try evaluate(arguments)))
    default: return .none
    }
  }

  private func value(of constant: TemplateExpression.Constant) -> TemplateValue {
    switch constant {
    case .none: .none
    case .bool(let value): .bool(value)
    case .integer(let value): .integer(value)
    case .float(let value): .float(value)
    case .text(let text): .text(text)
    }
  }

  private func dict(_ keys: [TemplateExpression], _ values: [TemplateExpression])
    throws(TokenizerError) -> TemplateValue
  {
    var dict = TemplateDict()
    for (key, value) in zip(keys, values) {
      let key = try evaluate(key)
      try set(key, to: try evaluate(value), in: &dict)
    }
    return .dict(dict)
  }

  private func sliceBound(_ expression: TemplateExpression) throws(TokenizerError) -> Int? {
    let value = try evaluate(expression)
    if value.isNone { return nil }
    guard let integer = value.integer else {
      throw failure("a \(value.typeName) cannot bound a slice")
    }
    return integer
  }

  // MARK: Operators

  /// A type error, as of Python's operators.
  private func mismatch(_ operation: String, _ left: TemplateValue, _ right: TemplateValue)
    -> TokenizerError
  {
    if let missing = undefined(left) ?? undefined(right) { return missing }
    return failure("\(operation) is not for \(left.typeName) and \(right.typeName)")
  }

  /// The error of using what is not there.
  func undefined(_ value: TemplateValue) -> TokenizerError? {
    if case .undefined(let name) = value { failure("\(name) is undefined") } else { nil }
  }

  private func apply(_ operation: TemplateExpression.Unary, _ value: TemplateValue)
    throws(TokenizerError) -> TemplateValue
  {
    if case .not = operation { return .bool(!value.isTrue) }
    if let missing = undefined(value) { throw missing }
    var isNegative = false
    if case .negative = operation { isNegative = true }
    if let integer = value.integer {
      return .integer(
        try checked(isNegative ? 0.subtractingReportingOverflow(integer) : (integer, false)))
    }
    guard let number = value.number else { throw failure("a \(value.typeName) has no sign") }
    return .float(isNegative ? -number : number)
  }

  func checked(_ result: (partialValue: Int, overflow: Bool)) throws(TokenizerError) -> Int {
    if result.overflow { throw failure("a number is beyond 64 bits") }
    return result.partialValue
  }

  private func apply(
    _ operation: TemplateExpression.Binary, _ left: TemplateValue, _ right: TemplateValue
  ) throws(TokenizerError) -> TemplateValue {
    switch (operation, left, right) {
    case (.multiply, _, .text), (.multiply, _, .list):
      guard left.integer != nil else { break }
      return try apply(operation, right, left)
    case (.add, .text(let a), .text(let b)): return try added(a, b)
    case (.add, .list(let a), .list(let b)): return try list(a.items + b.items)
    case (.add, .tuple(let a), .tuple(let b)): return try tuple(a.items + b.items)
    case (.multiply, .text(let text), _):
      guard let count = right.integer else { break }
      return try self.text(TemplateText(try repeated(text.units, count), isMarkup: text.isMarkup))
    case (.multiply, .list(let items), _):
      guard let count = right.integer else { break }
      return try list(try repeated(items.items, count))
    case (.modulo, .text(let text), _): return try formatted(text, with: right)
    default: break
    }
    if let a = left.integer, let b = right.integer { return try apply(operation, a, b) }
    guard let a = left.number, let b = right.number else {
      throw mismatch("\(operation)", left, right)
    }
    return .float(try apply(operation, a, b))
  }

  private func repeated<Item>(_ items: [Item], _ count: Int) throws(TokenizerError) -> [Item] {
    guard count > 0 else { return [] }
    try charge(try checked(items.count.multipliedReportingOverflow(by: count)))
    return Array(repeatElement(items, count: count).joined())
  }

  /// `+` of texts: `Markup` escapes the other.
  private func added(_ a: TemplateText, _ b: TemplateText) throws(TokenizerError) -> TemplateValue {
    guard a.isMarkup || b.isMarkup else { return try text(TemplateText(a.units + b.units)) }
    return try text(TemplateText(a.escaped.units + b.escaped.units, isMarkup: true))
  }

  private func concatenated(_ values: [TemplateValue]) throws(TokenizerError) -> TemplateValue {
    var parts: [TemplateText] = []
    for value in values { parts.append(try string(value)) }
    return try text(TemplateText(parts.flatMap(\.units)))
  }

  private func apply(_ operation: TemplateExpression.Binary, _ a: Int, _ b: Int)
    throws(TokenizerError) -> TemplateValue
  {
    switch operation {
    case .add: return .integer(try checked(a.addingReportingOverflow(b)))
    case .subtract: return .integer(try checked(a.subtractingReportingOverflow(b)))
    case .multiply: return .integer(try checked(a.multipliedReportingOverflow(by: b)))
    case .floorDivide, .modulo:
      guard b != 0 else { throw failure("division by zero") }
      let quotient = try checked(a.dividedReportingOverflow(by: b))
      let rest = a - quotient * b
      // Python rounds down.
      let isBelow = rest != 0 && (rest < 0) != (b < 0)
      if case .modulo = operation { return .integer(isBelow ? rest + b : rest) }
      return .integer(isBelow ? quotient - 1 : quotient)
    case .power:
      guard b >= 0 else { return .float(try apply(operation, Double(a), Double(b))) }
      var power = 1
      for _ in 0..<min(b, 64) { power = try checked(power.multipliedReportingOverflow(by: a)) }
      if b > 64 { power = a.magnitude <= 1 ? (b.isMultiple(of: 2) ? power * power : a) : power }
      return .integer(power)
    case .divide: return .float(try apply(operation, Double(a), Double(b)))
    }
  }

  private func apply(_ operation: TemplateExpression.Binary, _ a: Double, _ b: Double)
    throws(TokenizerError) -> Double
  {
    switch operation {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .power: throw failure("powers of numbers with a fraction are not supported")
    case .divide, .floorDivide, .modulo:
      guard b != 0 else { throw failure("division by zero") }
      if case .divide = operation { return a / b }
      var rest = a.truncatingRemainder(dividingBy: b)
      if rest != 0, (rest < 0) != (b < 0) { rest += b }
      if case .modulo = operation { return rest }
      return ((a - rest) / b).rounded()
    }
  }

  private func compare(
    _ first: TemplateExpression, _ others: [(TemplateExpression.Comparison, TemplateExpression)]
  ) throws(TokenizerError) -> Bool {
    var left = try evaluate(first)
    for (comparison, expression) in others {
      let right = try evaluate(expression)
      guard try holds(comparison, left, right) else { return false }
      left = right
    }
    return true
  }

  /// Whether a comparison is true.
  func holds(
    _ comparison: TemplateExpression.Comparison, _ left: TemplateValue, _ right: TemplateValue
  ) throws(TokenizerError) -> Bool {
    try charge(4 * min(left.size, right.size))
    switch comparison {
    case .equal: return left == right
    case .notEqual: return !(left == right)
    case .isIn: return try contains(right, left)
    case .isNotIn: return try !contains(right, left)
    case .less, .greaterOrEqual:
      let isLess = try self.isLess(left, right)
      if case .less = comparison { return isLess }
      return try self.isLess(right, left) || left == right
    case .greater: return try isLess(right, left)
    case .lessOrEqual: return try isLess(left, right) || left == right
    }
  }

  func isLess(_ left: TemplateValue, _ right: TemplateValue) throws(TokenizerError) -> Bool {
    guard let isLess = TemplateValue.isLess(left, right) else { throw mismatch("<", left, right) }
    return isLess
  }

  private func contains(_ whole: TemplateValue, _ part: TemplateValue) throws(TokenizerError)
    -> Bool
  {
    switch whole {
    case .text(let text):
      guard let part = part.text else { throw mismatch("in", part, whole) }
      try charge(4 * (text.units.count + part.units.count))
      return text.contains(part)
    case .dict(let dict): return dict[part] != nil
    case .iterator(let iterator):
      while let item = iterator.next() {
        try charge(min(item.size, part.size))
        if item == part { return true }
      }
      return false
    default:
      let items = try items(of: whole)
      try charge(items.reduce(16) { $0 + min($1.size, part.size) })
      return items.contains { $0 == part }
    }
  }
}
