/// The tests of chat templates: what may stand behind `is`.
extension TemplateRun {
  /// Whether a test holds.
  func test(_ name: String, _ value: TemplateValue, _ arguments: TemplateArguments)
    throws(TokenizerError) -> Bool
  {
    if let comparison = Self.comparisons[name] {
      guard let other = try arguments.bound(to: ["other"], name, self)[0] else {
        throw failure("the test \"\(name)\" wants a value")
      }
      return try holds(comparison, value, other)
    }
    if name == "divisibleby" {
      guard let number = value.integer,
        let divisor = try arguments.bound(to: ["num"], name, self)[0]?.integer, divisor != 0
      else { throw failure("divisibleby is for integers, and by none of 0") }
      return number.isMultiple(of: divisor)
    }
    _ = try arguments.bound(to: [], name, self)
    guard let result = try check(name, value) else {
      throw failure("the test \"\(name)\" is not supported")
    }
    return result
  }

  /// Whether there is such a test.
  static func isTest(_ name: String) -> Bool {
    comparisons[name] != nil || plain.contains(name) || name == "divisibleby"
  }

  private static let comparisons: [String: TemplateExpression.Comparison] = [
    "==": .equal, "eq": .equal, "equalto": .equal, "!=": .notEqual, "ne": .notEqual,
    "<": .less, "lt": .less, "lessthan": .less, "<=": .lessOrEqual, "le": .lessOrEqual,
    ">": .greater, "gt": .greater, "greaterthan": .greater, ">=": .greaterOrEqual,
    "ge": .greaterOrEqual, "in": .isIn,
  ]

  private static let plain: Set<String> = [
    "boolean", "callable", "defined", "even", "false", "filter", "float", "integer", "iterable",
    "lower",
    "mapping", "none", "number", "odd", "sequence", "string", "test", "true", "undefined", "upper",
  ]

  private func check(_ name: String, _ value: TemplateValue) throws(TokenizerError) -> Bool? {
    switch name {
    case "defined": return !value.isUndefined
    case "undefined": return value.isUndefined
    case "none": return value.isNone
    case "boolean": if case .bool = value { return true }
    case "true": if case .bool(true) = value { return true }
    case "false": if case .bool(false) = value { return true }
    case "integer": if case .integer = value { return true }
    case "float": if case .float = value { return true }
    case "number": return value.number != nil
    case "string": return value.text != nil
    case "mapping": if case .dict = value { return true }
    case "iterable", "sequence", "callable": return isOfShape(name, value)
    case "filter": return value.text.map { Self.isFilter($0.string) } ?? false
    case "test": return value.text.map { Self.isTest($0.string) } ?? false
    case "lower": return Self.isCased(try string(value), upper: false)
    case "upper": return Self.isCased(try string(value), upper: true)
    case "even", "odd":
      guard let number = value.integer else {
        throw undefined(value) ?? failure("\(name) is not for a \(value.typeName)")
      }
      return number.isMultiple(of: 2) == (name == "even")
    default: return nil
    }
    return false
  }

  private func isOfShape(_ name: String, _ value: TemplateValue) -> Bool {
    switch value {
    case .text, .list, .tuple, .dict, .undefined: name != "callable"
    case .view, .iterator, .loop: name == "iterable"
    case .macro, .function, .method: name == "callable"
    default: false
    }
  }

  /// Python's `str.isupper` and `islower`: there is a letter with case, and all such are of it.
  private static func isCased(_ text: TemplateText, upper: Bool) -> Bool {
    var isThere = false
    for unit in text.units {
      let properties = TemplateText.scalar(unit).properties
      if upper ? properties.isLowercase : properties.isUppercase { return false }
      if properties.generalCategory == .titlecaseLetter { return false }
      if upper ? properties.isUppercase : properties.isLowercase { isThere = true }
    }
    return isThere
  }
}
