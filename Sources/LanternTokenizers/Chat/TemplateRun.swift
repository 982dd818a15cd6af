import LanternPlatform

/// A run of a chat template: its output and names so far, and how much work it did. Templates come with models, so
/// what one may do is limited: no access but to what it is given, and so many steps, characters and levels.
final class TemplateRun {
  let file: String
  /// The line of what is evaluated.
  var line = 1
  /// What `strftime_now` takes for now.
  let now: tm
  private(set) var scope = TemplateScope(parent: nil)
  private var output: [UInt32] = []
  private var work = 0
  private var depth = 0
  private var loopDepth = 0

  /// Maximum steps, and characters that are made or compared, of which a step counts as 64.
  static let workLimit = 1 << 25
  /// Maximum levels of statements, expressions and macros within one another.
  private static let levelLimit = 300

  init(file: String, variables: [String: TemplateValue], now: tm) {
    self.file = file
    self.now = now
    scope.values = variables
  }

  /// How a statement ends.
  private enum Flow { case goesOn, leavesLoop, takesNextItem }

  /// The text that statements give.
  ///
  /// - Throws: ``TokenizerError``.
  func render(_ statements: [TemplateStatement]) throws(TokenizerError) -> TemplateText {
    _ = try execute(statements)
    return TemplateText(output)
  }

  // MARK: Limits

  func failure(_ reason: String) -> TokenizerError {
    .template(file: file, line: line, reason: reason)
  }

  /// Counts work.
  func charge(_ amount: Int) throws(TokenizerError) {
    work += min(amount, Self.workLimit)
    if work > Self.workLimit {
      throw failure("it takes more steps or text than any template should")
    }
  }

  /// Runs `body` one level deeper.
  func deeper<Value>(_ body: () throws(TokenizerError) -> Value) throws(TokenizerError) -> Value {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.levelLimit else {
      throw failure("it calls itself more than \(Self.levelLimit) levels deep")
    }
    try charge(64)
    return try body()
  }

  private func hold(_ depth: Int, _ count: Int, size: Int = 0) throws(TokenizerError) {
    try charge(16 * count)
    guard size < Self.workLimit else { throw failure("a list holds too much") }
    guard depth < TemplateValue.depthLimit else {
      throw failure(
        "lists are nested more than \(TemplateValue.depthLimit) deep, or hold a namespace or macro")
    }
  }

  /// A list.
  func list(_ items: [TemplateValue]) throws(TokenizerError) -> TemplateValue {
    let items = TemplateItems(items)
    try hold(items.depth, items.items.count, size: items.size)
    return .list(items)
  }

  /// A tuple.
  func tuple(_ items: [TemplateValue]) throws(TokenizerError) -> TemplateValue {
    let items = TemplateItems(items)
    try hold(items.depth, items.items.count, size: items.size)
    return .tuple(items)
  }

  /// A generator.
  func iterator(_ items: [TemplateValue]) throws(TokenizerError) -> TemplateValue {
    let iterator = TemplateIterator(items)
    try hold(iterator.depth, items.count)
    return .iterator(iterator)
  }

  /// A text.
  func text(_ text: TemplateText) throws(TokenizerError) -> TemplateValue {
    try charge(text.units.count)
    return .text(text)
  }

  /// Sets the value of a dictionary's key.
  func set(_ key: TemplateValue, to value: TemplateValue, in dict: inout TemplateDict)
    throws(TokenizerError)
  {
    guard dict.set(key, to: value) else {
      throw failure("a \(key.typeName) cannot be the key of a dictionary")
    }
    try hold(dict.depth, 1, size: dict.size)
  }

  // MARK: Statements

  private func execute(_ statements: [TemplateStatement]) throws(TokenizerError) -> Flow {
    for statement in statements {
      let flow = try deeper { () throws(TokenizerError) in try execute(statement) }
      if flow != .goesOn { return flow }
    }
    return .goesOn
  }

  private func execute(_ statement: TemplateStatement) throws(TokenizerError) -> Flow {
    switch statement {
    case .text(let text): try write(text)
    case .output(let expression): try write(try string(try evaluate(expression)))
    case .condition(let branches, let otherwise):
      for branch in branches where try evaluate(branch.test).isTrue {
        return try execute(branch.body)
      }
      return try execute(otherwise)
    case .loop(let loop): return try execute(loop)
    case .set(let target, let expression): try assign(try evaluate(expression), to: target)
    case .capture(let target, let filtered): try assign(try capture(filtered), to: target)
    case .filtered(let filtered): try write(try string(try capture(filtered)))
    case .macro(let macro):
      scope.values[macro.name] = .macro(TemplateMacro(macro, in: scope))
    case .block(let body):
      // transformers makes of it the body of a call, which keeps its names to itself.
      try write(try captured(in: TemplateScope(parent: scope), body))
    case .leaveLoop: return .leavesLoop
    case .nextItem: return .takesNextItem
    }
    return .goesOn
  }

  private func write(_ text: TemplateText) throws(TokenizerError) {
    try charge(text.units.count)
    output += text.units
  }

  /// The output of statements in a scope.
  private func captured(in scope: TemplateScope, _ body: [TemplateStatement])
    throws(TokenizerError) -> TemplateText
  {
    let (outerScope, outerOutput) = (self.scope, output)
    (self.scope, output) = (scope, [])
    defer { (self.scope, output) = (outerScope, outerOutput) }
    _ = try execute(body)
    return TemplateText(output)
  }

  private func capture(_ filtered: TemplateStatement.Filtered) throws(TokenizerError)
    -> TemplateValue
  {
    var value = TemplateValue.text(
      try captured(in: TemplateScope(parent: scope), filtered.body))
    for filter in filtered.filters {
      line = filter.line
      value = try self.filter(filter.name, value, try evaluate(filter.arguments))
    }
    return value
  }

  private func execute(_ loop: TemplateStatement.Loop) throws(TokenizerError) -> Flow {
    var items = try self.items(of: try evaluate(loop.items))
    let outer = scope
    defer { scope = outer }
    if let test = loop.test {
      var kept: [TemplateValue] = []
      for item in items {
        scope = TemplateScope(parent: outer)
        try assign(item, to: loop.target)
        if try evaluate(test).isTrue { kept.append(item) }
      }
      items = kept
    }
    loopDepth += 1
    defer { loopDepth -= 1 }
    let state = TemplateLoop(items, depth: loopDepth)
    for (index, item) in items.enumerated() {
      state.index = index
      scope = TemplateScope(parent: outer)
      scope.values["loop"] = .loop(state)
      try assign(item, to: loop.target)
      try charge(64)
      if try execute(loop.body) == .leavesLoop { return .goesOn }
    }
    guard items.isEmpty else { return .goesOn }
    scope = TemplateScope(parent: outer)
    return try execute(loop.otherwise)
  }

  private func assign(_ value: TemplateValue, to target: TemplateStatement.Target)
    throws(TokenizerError)
  {
    switch target {
    case .name(let name): scope.values[name] = value
    case .names(let names):
      let items = try items(of: value)
      guard items.count == names.count else {
        throw failure("\(items.count) values cannot be unpacked into \(names.count) names")
      }
      for (name, item) in zip(names, items) { scope.values[name] = item }
    case .attribute(let object, let name):
      guard case .namespace(let namespace)? = scope[object] else {
        throw failure("\"\(object)\" is no namespace, so its attributes cannot be set")
      }
      try set(name, of: namespace, to: value)
    }
  }

  /// Sets an attribute of a namespace.
  func set(_ name: String, of namespace: TemplateNamespace, to value: TemplateValue)
    throws(TokenizerError)
  {
    guard !name.hasPrefix("_") else {
      throw failure("the attribute \"\(name)\" of a namespace begins with an underscore")
    }
    try hold(value.depth, 1)
    namespace.values[name] = value
  }

  /// What a macro gives.
  func call(_ macro: TemplateMacro, _ arguments: TemplateArguments) throws(TokenizerError)
    -> TemplateValue
  {
    guard let parent = macro.scope else {
      throw failure("the macro \"\(macro.definition.name)\" is called where it is not defined")
    }
    let definition = macro.definition
    let given = try arguments.bound(to: definition.parameters.map(\.name), definition.name, self)
    let inner = TemplateScope(parent: parent)
    let outer = scope
    scope = inner
    defer { scope = outer }
    for (parameter, value) in zip(definition.parameters, given) {
      if let value {
        inner.values[parameter.name] = value
      } else if let expression = parameter.default {
        inner.values[parameter.name] = try evaluate(expression)
      } else {
        inner.values[parameter.name] = .undefined(parameter.name)
      }
    }
    return .text(try captured(in: inner, definition.body))
  }
}

/// What a function, filter, test or method is called with.
struct TemplateArguments {
  var positional: [TemplateValue] = []
  var named: [(name: String, value: TemplateValue)] = []

  /// The value of each parameter; nil for those that were not given.
  func bound(to parameters: [String], _ function: String, _ run: TemplateRun)
    throws(TokenizerError) -> [TemplateValue?]
  {
    guard positional.count <= parameters.count else {
      throw run.failure("\(function) takes at most \(parameters.count) arguments")
    }
    var values: [TemplateValue?] = positional
    values += Array(repeating: nil, count: parameters.count - positional.count)
    for (name, value) in named {
      guard let index = parameters.firstIndex(of: name) else {
        throw run.failure("\(function) has no argument \"\(name)\" in Lantern")
      }
      guard values[index] == nil else {
        throw run.failure("\(function) was given its argument \"\(name)\" twice")
      }
      values[index] = value
    }
    return values
  }
}
