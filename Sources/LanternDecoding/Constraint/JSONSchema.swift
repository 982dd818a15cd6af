import LanternFormats

/// Makes a grammar of a JSON schema: every text of the grammar is JSON that the schema allows.
///
/// Members stand in the schema's order, and an object has no others than `properties` names. What is not built is
/// refused by name.
struct JSONSchema {
  private let root: JSONValue
  private var rules: [BytePattern] = []
  private var references: [String: Int] = [:]
  private var anyValue: Int?
  private var depth = 0

  private static let what = "the schema"
  /// Bytes of a schema at most.
  private static let sizeLimit = 1 << 20
  /// Schemas within one another at most, and of `prefixItems`.
  private static let depthLimit = 200, itemLimit = 100
  /// The rule of a character within a string; a rule, since there are so many.
  private static let character = BytePattern.rule(1)

  /// The grammar of a schema.
  ///
  /// - Parameters:
  ///   - text: the schema, JSON.
  ///   - frame: puts a text that the schema allows where it stands in the whole.
  /// - Returns: the grammar.
  /// - Throws: ``ConstraintError`` for what is wrong or not built.
  static func grammar(
    _ text: String, in frame: (BytePattern) -> BytePattern = { $0 }
  ) throws(ConstraintError) -> ByteGrammar {
    guard text.utf8.count <= sizeLimit else {
      throw .schema(reason: "larger than \(sizeLimit) bytes", path: "")
    }
    let root: JSONValue
    do { root = try JSON.parse(text: text, file: what) } catch {
      throw .schema(reason: "\(error)", path: "")
    }
    var compiler = JSONSchema(root: root)
    compiler.rules = [frame(.rule(2)), JSONPatterns.character, .empty]
    compiler.references["#"] = 2
    compiler.rules[2] = try compiler.pattern(root, [])
    return try ByteGrammar(compiler.rules, what)
  }

  private init(root: JSONValue) { self.root = root }

  /// A pattern that stands in several places, as a rule.
  private mutating func shared(_ pattern: BytePattern) -> BytePattern {
    rules.append(pattern)
    return .rule(rules.count - 1)
  }

  private func error(_ reason: String, _ path: [String]) -> ConstraintError {
    .schema(reason: reason, path: "#" + path.map { "/" + $0 }.joined())
  }

  private static let annotations: Set<String> = [
    "title", "description", "default", "examples", "example", "$schema", "$id", "$comment", "$defs",
    "definitions", "deprecated", "readOnly", "writeOnly", "$anchor",
  ]
  private static let keywords: [String: Set<String>] = [
    "object": ["properties", "required", "additionalProperties"],
    "array": ["items", "prefixItems", "minItems", "maxItems"],
    "string": ["minLength", "maxLength", "pattern", "format"], "integer": [], "number": [],
    "boolean": [], "null": [],
  ]
  private static let choices: Set<String> = ["anyOf", "oneOf", "allOf", "enum", "const", "$ref"]

  private mutating func pattern(
    _ schema: JSONValue, _ path: [String]
  ) throws(ConstraintError) -> BytePattern {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw error("more than \(Self.depthLimit) schemas within one another", path)
    }
    if schema == .bool(true) { return any() }
    guard let keys = schema.object else {
      throw error(
        schema == .bool(false) ? "false allows nothing" : "a schema is an object or true", path)
    }
    let typed = Self.keywords.values.reduce(into: Set(["type"])) { $0.formUnion($1) }
    let said = Set(keys.keys).subtracting(Self.annotations)
    if let name = said.subtracting(typed).subtracting(Self.choices).min() {
      throw error("\"\(name)\" is not built", path)
    }
    let choice = said.intersection(Self.choices)
    if let name = choice.min() {
      // A type next to them would be a second condition.
      guard choice.count == 1, said.subtracting(["type"]).subtracting(choice).isEmpty else {
        let other = said.subtracting([name]).min() ?? ""
        throw error("\"\(name)\" together with \"\(other)\" is not built", path)
      }
      return try chosen(name, keys, path)
    }
    let types = try self.types(keys, said, path)
    var patterns: [BytePattern] = []
    for type in types { patterns.append(try pattern(ofType: type, keys, path)) }
    return patterns.isEmpty ? any() : patterns.count == 1 ? patterns[0] : .choice(patterns)
  }

  /// The types of a schema: those it names, or that of its keywords; none for any.
  private func types(
    _ keys: [String: JSONValue], _ said: Set<String>, _ path: [String]
  ) throws(ConstraintError) -> [String] {
    guard let value = keys["type"] else {
      let types = Self.keywords.filter { !$0.value.isDisjoint(with: said) }.keys.sorted()
      guard types.count < 2 else {
        throw error("it has keywords of \(types.joined(separator: " and ")), and no \"type\"", path)
      }
      return types
    }
    let names = (value.array ?? [value]).map { $0.string ?? "" }
    guard !names.isEmpty, names.allSatisfy({ Self.keywords[$0] != nil }) else {
      let all = Self.keywords.keys.sorted().joined(separator: ", ")
      throw error("\"type\" is \(JSON.write(value)), and not of \(all)", path)
    }
    return names
  }

  private mutating func pattern(
    ofType type: String, _ keys: [String: JSONValue], _ path: [String]
  ) throws(ConstraintError) -> BytePattern {
    switch type {
    case "object": try object(keys, path)
    case "array": try array(keys, path)
    case "string": try string(keys, path)
    case "integer": JSONPatterns.integer
    case "number": JSONPatterns.number
    case "boolean": .choice([.literal("true"), .literal("false")])
    default: .literal("null")
    }
  }

  private mutating func any() -> BytePattern {
    if let anyValue { return .rule(anyValue) }
    let number = rules.count
    anyValue = number
    rules.append(.empty)
    rules[number] = JSONPatterns.value(.rule(number), Self.character)
    return .rule(number)
  }

  private func count(_ key: String, _ keys: [String: JSONValue], _ path: [String])
    throws(ConstraintError) -> Int?
  {
    guard let value = keys[key] else { return nil }
    guard let count = value.integer, count >= 0 else {
      throw error("\"\(key)\" is \(JSON.write(value)), and no integer of 0 or more", path)
    }
    return count
  }

  private func range(
    _ least: String, _ most: String, _ keys: [String: JSONValue], _ path: [String]
  ) throws(ConstraintError) -> (Int, Int?) {
    let (low, high) = (try count(least, keys, path) ?? 0, try count(most, keys, path))
    if let high, high < low { throw error("\"\(most)\" is less than \"\(least)\"", path) }
    return (low, high)
  }

  private mutating func object(
    _ keys: [String: JSONValue], _ path: [String]
  ) throws(ConstraintError) -> BytePattern {
    guard let properties = (keys["properties"] ?? .object([:])).members else {
      throw error("\"properties\" is no object", path)
    }
    let names = (keys["required"] ?? .array([])).array?.map(\.string) ?? [nil]
    let required = Set(names.compactMap { $0 })
    guard !names.contains(nil) else { throw error("\"required\" is no list of names", path) }
    if let name = required.subtracting(properties.map(\.key)).min() {
      throw error("\"required\" has \"\(name)\", which \"properties\" lacks", path)
    }
    if properties.isEmpty {
      // Closed only where it says so: there would be nothing to write.
      let more = keys["additionalProperties"] ?? .bool(true)
      if more == .bool(false) { return JSONPatterns.object([]) }
      let value = try pattern(more, path + ["additionalProperties"])
      return JSONPatterns.map(JSONPatterns.string(Self.character), shared(value))
    }
    if let more = keys["additionalProperties"], more.object == nil, more.bool == nil {
      throw error("\"additionalProperties\" is no schema", path)
    }
    var members: [(pattern: BytePattern, isRequired: Bool)] = []
    for (name, schema) in properties {
      let value = try pattern(schema, path + ["properties", name])
      members.append(
        (
          .sequence([
            .literal(JSON.quoted(name)), JSONPatterns.space, .literal(":"), JSONPatterns.space,
            required.isEmpty ? shared(value) : value,
          ]), required.contains(name)
        ))
    }
    return JSONPatterns.object(members)
  }

  private mutating func array(
    _ keys: [String: JSONValue], _ path: [String]
  ) throws(ConstraintError) -> BytePattern {
    var (least, most) = try range("minItems", "maxItems", keys, path)
    guard let first = (keys["prefixItems"] ?? .array([])).array else {
      throw error("\"prefixItems\" is no list of schemas", path)
    }
    guard first.count <= Self.itemLimit else {
      throw error("more than \(Self.itemLimit) \"prefixItems\" are not built", path)
    }
    var patterns: [BytePattern] = []
    for (index, schema) in first.enumerated() {
      patterns.append(try pattern(schema, path + ["prefixItems", String(index)]))
    }
    var item: BytePattern?
    if keys["items"] == .bool(false) {
      most = min(most ?? first.count, first.count)
      guard least <= most ?? 0 else {
        throw error("\"items\" is false, and too few are left", path)
      }
    } else {
      item = shared(try pattern(keys["items"] ?? .bool(true), path + ["items"]))
    }
    return JSONPatterns.array(patterns, item, least, most)
  }

  /// Formats of strings, by what stands between the quotes.
  private static let formats: [String: String] = [
    "date": dateFormat, "time": timeFormat, "date-time": dateFormat + "T" + timeFormat,
    "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
  ]
  // No day that some month lacks.
  private static let dateFormat = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
  private static let timeFormat =
    "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

  private func string(_ keys: [String: JSONValue], _ path: [String]) throws(ConstraintError)
    -> BytePattern
  {
    let hasLength = keys["minLength"] != nil || keys["maxLength"] != nil
    let said = [
      hasLength ? "minLength or maxLength" : nil, keys["pattern"] == nil ? nil : "pattern",
      keys["format"] == nil ? nil : "format",
    ].compactMap { $0 }
    guard said.count < 2 else {
      throw error("\(said.joined(separator: " together with ")) is not built", path)
    }
    if let value = keys["pattern"] {
      guard let pattern = value.string else { throw error("\"pattern\" is no string", path) }
      do { return JSONPatterns.quoted(try RegularExpression.within(pattern)) } catch {
        throw self.error("\"pattern\": \(error)", path)
      }
    }
    if let value = keys["format"] {
      guard let format = value.string.flatMap({ Self.formats[$0] }) else {
        let all = Self.formats.keys.sorted().joined(separator: ", ")
        throw error("\"format\" is \(JSON.write(value)), and built are \(all)", path)
      }
      return JSONPatterns.quoted(try RegularExpression.whole(format))
    }
    let (least, most) = try range("minLength", "maxLength", keys, path)
    return JSONPatterns.string(Self.character, least, most)
  }

  private mutating func chosen(
    _ name: String, _ keys: [String: JSONValue], _ path: [String]
  ) throws(ConstraintError) -> BytePattern {
    let value = keys[name] ?? .null
    switch name {
    case "const", "enum":
      guard let values = name == "const" ? [value] : value.array, !values.isEmpty else {
        throw error("\"enum\" is no list of values", path)
      }
      // What is of none of the types is not allowed either.
      let types = try self.types(keys, [], path)
      let allowed = values.filter { value in
        types.isEmpty || types.contains { value.isOf(type: $0) }
      }
      guard !allowed.isEmpty else {
        throw error("no value of \"\(name)\" is of its \"type\"", path)
      }
      return .choice(allowed.map { .literal(JSON.write($0)) })
    case "$ref": return try reference(value, keys, path)
    default:
      guard keys["type"] == nil else {
        throw error("\"\(name)\" together with \"type\" is not built", path)
      }
      guard let schemas = value.array, !schemas.isEmpty else {
        throw error("\"\(name)\" is no list of schemas", path)
      }
      guard name != "allOf" || schemas.count == 1 else {
        throw error("\"allOf\" of more than one schema is not built", path)
      }
      if name == "oneOf", !areApart(schemas) {
        throw error(
          "\"oneOf\" is built where a type, or a constant member, distinguishes its schemas: write "
            + "\"anyOf\"", path)
      }
      var patterns: [BytePattern] = []
      for (index, schema) in schemas.enumerated() {
        patterns.append(try pattern(schema, path + [name, String(index)]))
      }
      return .choice(patterns)
    }
  }

  private mutating func reference(
    _ value: JSONValue, _ keys: [String: JSONValue], _ path: [String]
  ) throws(ConstraintError) -> BytePattern {
    guard keys["type"] == nil else {
      throw error("\"$ref\" together with \"type\" is not built", path)
    }
    guard let pointer = value.string, pointer == "#" || pointer.hasPrefix("#/") else {
      throw error(
        "\"$ref\" is \(JSON.write(value)): references within the schema, as #/$defs/name, are built",
        path)
    }
    if let rule = references[pointer] { return .rule(rule) }
    let keys = pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
      String($0).replacing("~1", with: "/").replacing("~0", with: "~")
    }
    var target: JSONValue? = root
    for key in keys {
      if let items = target?.array {
        target = Int(key).flatMap { items.indices.contains($0) ? items[$0] : nil }
      } else {
        target = target?.object?[key]
      }
    }
    guard let target else { throw error("\"$ref\": there is no \(pointer)", path) }
    let rule = rules.count
    references[pointer] = rule
    rules.append(.empty)
    rules[rule] = try pattern(target, keys)
    return .rule(rule)
  }

  /// Whether no value is of two of the schemas, as far as types and constant members show it.
  private func areApart(_ schemas: [JSONValue]) -> Bool {
    func types(_ schema: JSONValue) -> Set<String>? {
      if let values = schema.object?["enum"]?.array ?? schema.object?["const"].map({ [$0] }) {
        return Set(values.map { JSON.write($0) })
      }
      guard let type = schema.object?["type"] else { return nil }
      let names = Set((type.array ?? [type]).compactMap(\.string))
      return names.contains("number") ? names.union(["integer"]) : names
    }
    func constants(_ schema: JSONValue) -> [String: Set<String>] {
      let required = Set(schema.object?["required"]?.array?.compactMap(\.string) ?? [])
      return (schema.object?["properties"]?.object ?? [:]).filter { required.contains($0.key) }
        .compactMapValues { value in
          value.object?["const"] == nil && value.object?["enum"] == nil ? nil : types(value)
        }
    }
    return schemas.indices.allSatisfy { one in
      schemas.indices.allSatisfy { other in
        guard one < other else { return true }
        let (first, second) = (constants(schemas[one]), constants(schemas[other]))
        if first.contains(where: { second[$0.key]?.isDisjoint(with: $0.value) == true }) {
          return true
        }
        // A list of values and a type are not compared.
        let isValues = [one, other].map { schemas[$0].object?["type"] == nil }
        guard isValues[0] == isValues[1], let mine = types(schemas[one]),
          let theirs = types(schemas[other])
        else { return false }
        return mine.isDisjoint(with: theirs)
      }
    }
  }
}

extension JSONValue {
  /// Whether it is of one of JSON schema's types.
  fileprivate func isOf(type: String) -> Bool {
    switch self {
    case .null: type == "null"
    case .bool: type == "boolean"
    case .integer, .unsigned: type == "integer" || type == "number"
    case .number(let value): type == "number" || (type == "integer" && value.rounded() == value)
    case .string: type == "string"
    case .array: type == "array"
    case .object: type == "object"
    }
  }
}
