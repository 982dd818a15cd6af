import LanternPlatform

/// Attributes, items, slices and calls, as jinja2's sandbox allows them.
extension TemplateRun {
  /// `value.name`.
  func attribute(_ name: String, of value: TemplateValue) throws(TokenizerError) -> TemplateValue {
    if let missing = undefined(value) { throw missing }
    if let own = try pythonAttribute(name, of: value) { return own }
    if case .dict(let dict) = value, let item = dict[name] { return item }
    return missing(name, of: value)
  }

  /// `value[index]`.
  func item(_ index: TemplateValue, of value: TemplateValue) throws(TokenizerError)
    -> TemplateValue
  {
    if let missing = undefined(value) { throw missing }
    switch value {
    case .dict(let dict):
      if let item = dict[index] { return item }
    case .list(let items), .tuple(let items):
      if let item = index.integer.flatMap({ Self.element($0, of: items.items) }) { return item }
    case .text(let text):
      if let unit = index.integer.flatMap({ Self.element($0, of: text.units) }) {
        return .text(TemplateText([unit], isMarkup: text.isMarkup))
      }
    default: break
    }
    guard let name = index.text?.string else { return missing("that item", of: value) }
    return try pythonAttribute(name, of: value) ?? missing(name, of: value)
  }

  private func missing(_ name: String, of value: TemplateValue) -> TemplateValue {
    .undefined("\"\(name)\" of a \(value.typeName)")
  }

  private static func element<Item>(_ index: Int, of items: [Item]) -> Item? {
    let position = index < 0 ? items.count + index : index
    return items.indices.contains(position) ? items[position] : nil
  }

  /// What Python finds as an attribute: a method, or what a namespace or loop has.
  private func pythonAttribute(_ name: String, of value: TemplateValue) throws(TokenizerError)
    -> TemplateValue?
  {
    // jinja2's sandbox hides Python's own.
    if name.hasPrefix("__") { return missing(name, of: value) }
    switch value {
    case .namespace(let namespace): return namespace.values[name]
    case .loop(let loop):
      return loop[name] ?? (["cycle", "changed"].contains(name) ? .method(value, name) : nil)
    case .text: return Self.textMethods.contains(name) ? .method(value, name) : nil
    case .dict: return Self.dictMethods.contains(name) ? .method(value, name) : nil
    case .list: return Self.listMethods.contains(name) ? .method(value, name) : nil
    default: return nil
    }
  }

  /// The methods that Python has: a key of one of these names is read with brackets.
  private static let textMethods: Set<String> = Set(
    """
    capitalize casefold center count encode endswith expandtabs find format format_map index isalnum \
    isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper \
    join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust \
    rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill
    """.split(separator: " ").map(String.init))
  private static let dictMethods: Set<String> = Set(
    "clear copy fromkeys get items keys pop popitem setdefault update values".split(separator: " ")
      .map(String.init))
  private static let listMethods: Set<String> = Set(
    "append clear copy count extend index insert pop remove reverse sort".split(separator: " ")
      .map(String.init))
  /// What changes a value, which the sandbox does not allow.
  private static let changing: Set<String> = [
    "append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault",
    "sort",
    "update",
  ]

  /// The values that a loop goes through.
  func items(of value: TemplateValue) throws(TokenizerError) -> [TemplateValue] {
    switch value {
    case .undefined: return []
    case .list(let items), .tuple(let items), .view(let items): return items.items
    case .dict(let dict): return dict.keys
    case .iterator(let iterator): return iterator.all()
    case .text(let text):
      try charge(16 * text.units.count)
      return text.units.map { .text(TemplateText([$0], isMarkup: text.isMarkup)) }
    default: throw failure("a \(value.typeName) cannot be iterated")
    }
  }

  /// `value[start:stop:step]`.
  func slice(_ value: TemplateValue, _ bounds: [Int?]) throws(TokenizerError) -> TemplateValue {
    if let missing = undefined(value) { throw missing }
    switch value {
    case .text(let text):
      let indices = try sliceIndices(bounds, count: text.units.count)
      return try self.text(
        TemplateText(indices.map { text.units[$0] }, isMarkup: text.isMarkup))
    case .list(let items):
      return try list(try sliceIndices(bounds, count: items.items.count).map { items.items[$0] })
    case .tuple(let items):
      return try tuple(try sliceIndices(bounds, count: items.items.count).map { items.items[$0] })
    default:
      return missing("that slice", of: value)
    }
  }

  /// The indices of Python's slices.
  private func sliceIndices(_ bounds: [Int?], count: Int) throws(TokenizerError) -> [Int] {
    let step = bounds[2] ?? 1
    guard step != 0 else { throw failure("the step of a slice is 0") }
    let (low, high) = step > 0 ? (0, count) : (-1, count - 1)
    func clamped(_ bound: Int?, _ open: Int) -> Int {
      guard let bound else { return open }
      return min(max(bound < 0 ? max(bound, -count - 1) + count : bound, low), high)
    }
    let start = clamped(bounds[0], step > 0 ? low : high)
    let stop = clamped(bounds[1], step > 0 ? high : low)
    // A longer step is the same as one over the end.
    return Array(stride(from: start, to: stop, by: min(max(step, -count - 1), count + 1)))
  }

  // MARK: Calls

  /// `callee(…)`.
  func call(_ callee: TemplateValue, _ arguments: TemplateArguments) throws(TokenizerError)
    -> TemplateValue
  {
    switch callee {
    case .macro(let macro): return try call(macro, arguments)
    case .function(let name): return try call(function: name, arguments)
    case .method(let value, let name):
      if Self.changing.contains(name), value.text == nil {
        throw failure("\"\(name)\" would change a \(value.typeName), which no template may")
      }
      return try call(method: name, of: value, arguments)
    default:
      throw undefined(callee) ?? failure("a \(callee.typeName) cannot be called")
    }
  }

  static let functions: Set<String> = [
    "namespace", "dict", "range", "raise_exception", "strftime_now",
  ]

  private func call(function name: String, _ arguments: TemplateArguments) throws(TokenizerError)
    -> TemplateValue
  {
    switch name {
    case "namespace":
      let namespace = TemplateNamespace()
      for (key, value) in try self.arguments(arguments, of: name) {
        try set(key, of: namespace, to: value)
      }
      return .namespace(namespace)
    case "dict":
      var dict = TemplateDict()
      for (key, value) in try self.arguments(arguments, of: name) {
        try set(.text(key), to: value, in: &dict)
      }
      return .dict(dict)
    case "range": return try range(arguments)
    case "raise_exception":
      let message = try arguments.bound(to: ["message"], name, self)[0] ?? .none
      throw .refusedConversation(file: file, reason: try string(message).string)
    default:
      let format = try arguments.bound(to: ["format"], name, self)[0]?.text
      return try text(TemplateText(try formattedTime(format?.string ?? "")))
    }
  }

  /// Names and values: those of a dictionary, and named arguments.
  private func arguments(_ arguments: TemplateArguments, of name: String) throws(TokenizerError)
    -> [(String, TemplateValue)]
  {
    var all: [(String, TemplateValue)] = []
    for value in arguments.positional {
      guard case .dict(let dict) = value else {
        throw failure("\(name) takes a dictionary or named values, not a \(value.typeName)")
      }
      for (key, value) in zip(dict.keys, dict.values) {
        guard let key = key.text?.string else { throw failure("a name of \(name) is no text") }
        all.append((key, value))
      }
    }
    return all + arguments.named.map { ($0.name, $0.value) }
  }

  /// The longest `range` that jinja2's sandbox allows.
  private static let rangeLimit = 100_000

  private func range(_ arguments: TemplateArguments) throws(TokenizerError) -> TemplateValue {
    let given = try arguments.bound(to: ["start", "stop", "step"], "range", self)
    var numbers: [Int] = []
    for value in given.compactMap({ $0 }) {
      guard let number = value.integer else {
        throw failure("range takes integers, not a \(value.typeName)")
      }
      numbers.append(number)
    }
    guard !numbers.isEmpty else { throw failure("range takes at least one argument") }
    let (start, stop) = numbers.count > 1 ? (numbers[0], numbers[1]) : (0, numbers[0])
    let step = numbers.count > 2 ? numbers[2] : 1
    guard step != 0 else { throw failure("the step of a range is 0") }
    let (distance, overflow) = stop.subtractingReportingOverflow(start)
    guard !overflow, step != .min, distance / step < Self.rangeLimit else {
      throw failure("a range may have \(Self.rangeLimit) numbers at most")
    }
    return try list(stride(from: start, to: stop, by: step).map { .integer($0) })
  }

  private func formattedTime(_ format: String) throws(TokenizerError) -> String {
    guard !format.isEmpty else { return "" }
    var buffer = [CChar](repeating: 0, count: 1024)
    var time = now
    let count = strftime(&buffer, buffer.count, format, &time)
    guard count > 0 else { throw failure("strftime_now gives more than 1023 characters, or none") }
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
