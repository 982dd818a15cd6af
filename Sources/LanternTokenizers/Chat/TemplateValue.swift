/// A value of a chat template, with the meaning that it has in Python.
enum TemplateValue {
  /// What is not there; its name.
  case undefined(String)
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case text(TemplateText)
  case list(TemplateItems)
  case tuple(TemplateItems)
  case dict(TemplateDict)
  /// What `dict.items()` and the like give.
  case view(TemplateItems)
  /// A generator, which is read once.
  case iterator(TemplateIterator)
  case namespace(TemplateNamespace)
  case loop(TemplateLoop)
  case macro(TemplateMacro)
  /// A function of the environment.
  case function(String)
  /// A method of a value.
  indirect case method(TemplateValue, String)

  /// The deepest that lists and dictionaries may be nested: what compares, prints or frees them recurses.
  static let depthLimit = 100

  /// How deep the value is nested. What could lead back to itself counts as the deepest: nothing holds it.
  var depth: Int {
    switch self {
    case .list(let items), .tuple(let items), .view(let items): items.depth
    case .dict(let dict): dict.depth
    case .iterator(let iterator): iterator.depth
    case .namespace, .loop, .macro, .method: Self.depthLimit
    default: 0
    }
  }

  /// How much there is to read in it, about; of several references to one value each counts.
  var size: Int {
    switch self {
    case .text(let text): 16 + text.units.count
    case .list(let items), .tuple(let items), .view(let items): items.size
    case .dict(let dict): dict.size
    default: 16
    }
  }

  static func text(_ text: String) -> TemplateValue { .text(TemplateText(text)) }

  /// Its text, if it is one.
  var text: TemplateText? { if case .text(let text) = self { text } else { nil } }

  /// Its integer, if it is one; Python's booleans are.
  var integer: Int? {
    switch self {
    case .integer(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// Its number, if it is one.
  var number: Double? {
    if case .float(let value) = self { value } else { integer.map(Double.init) }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }
  var isNone: Bool { if case .none = self { true } else { false } }

  /// Whether an `if` takes it for true.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .float(let value): value != 0
    case .text(let text): !text.units.isEmpty
    case .list(let items), .tuple(let items), .view(let items): !items.items.isEmpty
    case .dict(let dict): !dict.keys.isEmpty
    case .iterator, .namespace, .loop, .macro, .function, .method: true
    }
  }

  /// What Python calls its type.
  var typeName: String {
    switch self {
    case .undefined: "undefined"
    case .none: "None"
    case .bool: "bool"
    case .integer: "int"
    case .float: "float"
    case .text: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dict: "dict"
    case .view: "dict view"
    case .iterator: "generator"
    case .namespace: "namespace"
    case .loop: "loop"
    case .macro: "macro"
    case .function, .method: "function"
    }
  }

  /// `==`.
  static func == (a: TemplateValue, b: TemplateValue) -> Bool {
    switch (a, b) {
    case (.undefined, .undefined), (.none, .none): true
    case (.text(let a), .text(let b)): a == b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      a.items.count == b.items.count && zip(a.items, b.items).allSatisfy { $0 == $1 }
    case (.dict(let a), .dict(let b)):
      a.keys.count == b.keys.count
        && zip(a.keys, a.values).allSatisfy { key, value in b[key].map { $0 == value } ?? false }
    case (.namespace(let a), .namespace(let b)): a === b
    default:
      if let a = a.integer, let b = b.integer {
        a == b
      } else if let a = a.number,
        let b = b.number
      {
        a == b
      } else {
        false
      }
    }
  }

  /// `<`; nil for values without an order.
  static func isLess(_ a: TemplateValue, _ b: TemplateValue) -> Bool? {
    switch (a, b) {
    case (.text(let a), .text(let b)): return a < b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (a, b) in zip(a.items, b.items) where !(a == b) { return isLess(a, b) }
      return a.items.count < b.items.count
    default:
      if let a = a.integer, let b = b.integer { return a < b }
      if let a = a.number, let b = b.number { return a < b }
      return nil
    }
  }
}

/// The values of a list, tuple or view.
struct TemplateItems {
  let items: [TemplateValue]
  let depth: Int
  let size: Int

  init(_ items: [TemplateValue]) {
    self.items = items
    depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
    size = items.reduce(16) { min($0 + $1.size, TemplateRun.workLimit) }
  }
}

/// A dictionary, in the order in which its keys came.
struct TemplateDict {
  private(set) var keys: [TemplateValue] = []
  private(set) var values: [TemplateValue] = []
  private(set) var depth = 1
  private(set) var size = 16
  private var indices: [TemplateKey: Int] = [:]

  subscript(key: TemplateValue) -> TemplateValue? {
    TemplateKey(key).flatMap { indices[$0] }.map { values[$0] }
  }

  subscript(key: String) -> TemplateValue? { self[.text(key)] }

  /// Sets the value of a key; false for a key that cannot be one, as a list.
  mutating func set(_ key: TemplateValue, to value: TemplateValue) -> Bool {
    guard let known = TemplateKey(key) else { return false }
    depth = max(depth, 1 + max(key.depth, value.depth))
    size = min(size + key.size + value.size, TemplateRun.workLimit)
    if let index = indices[known] {
      values[index] = value
    } else {
      indices[known] = keys.count
      keys.append(key)
      values.append(value)
    }
    return true
  }

  /// Its pairs of key and value.
  var pairs: [TemplateValue] {
    zip(keys, values).map { .tuple(TemplateItems([$0, $1])) }
  }
}

/// What Python takes for the same key: 1, 1.0 and True are.
private enum TemplateKey: Hashable {
  case none
  case integer(Int)
  case float(Double)
  case text(TemplateText)
  case tuple([TemplateKey])

  init?(_ value: TemplateValue) {
    switch value {
    case .none: self = .none
    case .text(let text): self = .text(text)
    case .float(let value): self = Int(exactly: value).map(Self.integer) ?? .float(value)
    case .tuple(let items):
      let keys = items.items.compactMap(Self.init)
      guard keys.count == items.items.count else { return nil }
      self = .tuple(keys)
    default:
      guard let integer = value.integer else { return nil }
      self = .integer(integer)
    }
  }
}

/// A generator.
final class TemplateIterator {
  private var rest: ArraySlice<TemplateValue>
  let depth: Int

  init(_ items: [TemplateValue]) {
    rest = items[...]
    depth = TemplateItems(items).depth
  }

  /// All that was not read before.
  func all() -> [TemplateValue] {
    defer { rest = [] }
    return Array(rest)
  }

  func next() -> TemplateValue? { rest.popFirst() }
}

/// What `namespace(…)` makes: the one thing whose attributes a template may set.
final class TemplateNamespace {
  var values: [String: TemplateValue] = [:]
}

/// Where a loop is.
final class TemplateLoop {
  private let items: [TemplateValue]
  private let depth: Int
  var index = 0

  init(_ items: [TemplateValue], depth: Int) { (self.items, self.depth) = (items, depth) }

  /// An attribute; nil for one that there is not.
  subscript(name: String) -> TemplateValue? {
    let count = items.count
    return switch name {
    case "index": .integer(index + 1)
    case "index0": .integer(index)
    case "revindex": .integer(count - index)
    case "revindex0": .integer(count - index - 1)
    case "first": .bool(index == 0)
    case "last": .bool(index == count - 1)
    case "length": .integer(count)
    case "depth": .integer(depth)
    case "depth0": .integer(depth - 1)
    case "previtem": index > 0 ? items[index - 1] : .undefined("there is no previous item")
    case "nextitem": index + 1 < count ? items[index + 1] : .undefined("there is no next item")
    default: nil
    }
  }
}

/// A macro, and where it was defined: its body reads the names there.
struct TemplateMacro {
  let definition: TemplateStatement.Macro
  // The scope holds the macro.
  private(set) weak var scope: TemplateScope?

  init(_ definition: TemplateStatement.Macro, in scope: TemplateScope) {
    (self.definition, self.scope) = (definition, scope)
  }
}

/// The names that a template, loop or macro has set.
final class TemplateScope {
  let parent: TemplateScope?
  var values: [String: TemplateValue] = [:]

  init(parent: TemplateScope?) { self.parent = parent }

  subscript(name: String) -> TemplateValue? {
    var scope: TemplateScope? = self
    while let current = scope {
      if let value = current.values[name] { return value }
      scope = current.parent
    }
    return nil
  }
}
