import Foundation
import LanternDecoding
import LanternFormats
import TestSupport
import Testing

/// Texts that random scores write within a constraint.
@Suite struct TextConstraintTests {
  /// All bytes, and pieces that texts of JSON have across their joints.
  static let vocabulary: [(bytes: [UInt8], id: Int)] = {
    let pieces = [
      "\"", "\":", "\": ", "\",", "\", \"", "{\"", "\"}", "\"}]", "[[", "]]", "},", "true", "fal",
      "se",
      "null", "12", "0.5", "e+", "name", "ab", "abc", "\\u00", "\\\"", "é", "日本", "🦊", " ", "\n  ",
      "-1",
    ]
    let texts = (0..<256).map { [UInt8($0)] } + pieces.map { Array($0.utf8) }
    return texts.enumerated().map { ($1, $0) }
  }()
  static let trie = VocabularyTrie(vocabulary, count: vocabulary.count)

  /// A text by uniform choice among what is allowed, ended in the shortest way after some tokens.
  static func write(_ form: TextForm, seed: UInt64, most: Int) throws -> String {
    var constraint = TextConstraint(try form.grammar(), trie, what: form.name)
    let noise = TokenNoise(seed: seed)
    var bytes: [UInt8] = []
    for index in 0..<most {
      let mask = try constraint.allowed()
      let ids = vocabulary.map(\.id).filter(mask.contains)
      let choices = ids.count + (constraint.mayEnd ? 1 : 0)
      try #require(choices > 0)
      let choice = Int(noise.uniform(index) * Float(choices))
      if choice >= ids.count { return String(decoding: bytes, as: UTF8.self) }
      let isTaken = constraint.accept(ids[choice])
      #expect(isTaken)
      bytes += vocabulary[ids[choice]].bytes
    }
    let ending = try #require(constraint.shortestEnding())
    for id in ending {
      let isTaken = constraint.accept(id)
      #expect(isTaken)
      bytes += vocabulary[id].bytes
    }
    #expect(constraint.mayEnd)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("any value that is written is JSON, however early it is cut", arguments: [1, 3, 10, 60])
  func anyValue(most: Int) throws {
    for seed in 0..<60 {
      let text = try Self.write(.schema("true"), seed: UInt64(seed), most: most)
      #expect(throws: Never.self, "\(text)") {
        try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
      }
    }
  }

  @Test("what random schemas let through is JSON that they allow")
  func schemas() throws {
    for seed in 0..<120 {
      var maker = RandomSchema(noise: TokenNoise(seed: UInt64(seed)))
      let schema = maker.schema(depth: 3)
      for most in [2, 40, 400] {
        let text = try Self.write(
          .schema(JSON.write(schema)), seed: UInt64(seed + most), most: most)
        let value = try JSON.parse(text: text, file: "the text")
        #expect(SchemaCheck.allows(value, schema), "\(JSON.write(schema)): \(text)")
      }
    }
  }

  @Test("members stand in the schema's order, required ones always, the others sometimes")
  func members() throws {
    let schema = """
      {"type": "object", "properties": {"zeta": {"type": "integer"}, "alpha": {"type": "boolean"},
      "mid": {"anyOf": [{"type": "object", "properties": {"b": {}, "a": {"const": null}}}, {"const": 1}]}},
      "required": ["alpha"]}
      """
    var kinds: Set<String> = []
    for seed in 0..<80 {
      let text = try Self.write(.schema(schema), seed: UInt64(seed), most: 200)
      let keys = try #require(
        try JSON.parse(text: text, file: "the text").members
      ).map(\.key)
      #expect(keys.contains("alpha") && keys == ["zeta", "alpha", "mid"].filter(keys.contains))
      kinds.insert(keys.joined())
    }
    #expect(kinds == ["alpha", "zetaalpha", "alphamid", "zetaalphamid"])
  }

  @Test("a schema that refers to itself ends, and one that cannot end is refused")
  func recursion() throws {
    let tree = """
      {"type": "object", "properties": {"v": {"type": "integer"}, "l": {"anyOf": [{"$ref": "#"}, {"type":
      "null"}]}, "r": {"$ref": "#/properties/l"}}, "required": ["v", "l", "r"]}
      """
    for seed in 0..<20 {
      let text = try Self.write(.schema(tree), seed: UInt64(seed), most: 300)
      #expect(throws: Never.self, "\(text)") { try JSON.parse(text: text, file: "the text") }
    }
    for schema in [
      ##"{"$ref": "#"}"##,
      ##"{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}"##,
      ##"{"type": "array", "items": {"$ref": "#"}, "minItems": 1}"##,
    ] {
      let error = #expect(throws: ConstraintError.self) { try TextForm.schema(schema).grammar() }
      #expect(error == .endless(what: "the schema"), "\(schema)")
    }
  }

  @Test(
    "keywords that are not built are refused by name",
    arguments: [
      ##"{"type": "integer", "minimum": 3}"##: "minimum", ##"{"not": {}}"##: "not",
      ##"{"type": "object", "patternProperties": {}}"##: "patternProperties",
      ##"{"allOf": [{}, {}]}"##: "allOf",
      ##"{"oneOf": [{"type": "number"}, {"type": "integer"}]}"##: "oneOf",
      ##"{"type": "string", "format": "email"}"##: "email", ##"{"type": "text"}"##: "text",
      ##"{"type": "string", "pattern": "(?=a)"}"##: "look-around", ##"{"enum": []}"##: "enum",
      ##"{"type": "array", "minItems": -1}"##: "minItems", ##"{"$ref": "http://a"}"##: "$ref",
      ##"{"$ref": "#/$defs/none"}"##: "$defs/none", "[1]": "object or true", "{": "schema",
      ##"{"required": ["a"]}"##: "\"a\"", "false": "false",
      ##"{"anyOf": [{}], "type": "null"}"##: "type",
      ##"{"type": "string", "minLength": 3, "maxLength": 2}"##: "maxLength",
      ##"{"minLength": 1, "minItems": 1}"##: "\"type\"",
      ##"{"const": 3, "type": "string"}"##: "const",
      ##"{"type": "string", "minLength": 100000}"##: "states",
      ##"{"type": "array", "items": {"type": "array", "minItems": 9999}, "minItems": 9999}"##:
        "states",
    ])
  func refused(schema: String, word: String) {
    let error = #expect(throws: ConstraintError.self, "\(schema)") {
      try TextForm.schema(schema).grammar()
    }
    #expect(error.map { "\($0)".contains(word) } == true, "\(String(describing: error))")
  }

  @Test("every choice is written, and nothing else")
  func choices() throws {
    let choices = ["yes", "no", "not at all", "é🦊"]
    var written: Set<String> = []
    for seed in 0..<60 {
      written.insert(try Self.write(.choices(choices), seed: UInt64(seed), most: 30))
    }
    #expect(written == Set(choices))
  }

  @Test("a token that may not come changes nothing, and tokens without bytes never come")
  func tokens() throws {
    var constraint = TextConstraint(
      try TextForm.choices(["ab", "abc"]).grammar(),
      VocabularyTrie([([0x61], 0), ([0x62, 0x63], 2), ([0x62], 3)], count: 5), what: "it")
    let first = ids(try constraint.allowed())
    #expect(first == [0])
    let strange = [3, 1, -1, 9].filter { constraint.accept($0) }
    #expect(strange.isEmpty)
    let isTaken = constraint.accept(0)
    #expect(isTaken && !constraint.mayEnd)
    let second = ids(try constraint.allowed())
    #expect(second == [2, 3])
    #expect(constraint.shortestEnding() == [3] && constraint.endingLength == 1)
    let isLast = constraint.accept(3)
    #expect(isLast && constraint.mayEnd)
    // For "c" there is no token.
    let third = ids(try constraint.allowed())
    #expect(third.isEmpty && constraint.shortestEnding() == [])
  }

  private func ids(_ mask: TokenMask) -> [Int] { (0..<mask.count).filter(mask.contains) }
}

/// Schemas by chance.
private struct RandomSchema {
  let noise: TokenNoise
  private var index = 0

  init(noise: TokenNoise) { self.noise = noise }

  private mutating func pick(_ count: Int) -> Int {
    index += 1
    return min(count - 1, Int(noise.uniform(index) * Float(count)))
  }

  mutating func schema(depth: Int) -> JSONValue {
    switch pick(depth > 0 ? 11 : 7) {
    case 0: return .object(["type": "integer"])
    case 1: return .object(["type": ["number", "null"]])
    case 2: return .object(["type": "boolean"])
    case 3: return .object(["enum": ["a\"b\\", 3, 2.5, .null, "日本"]])
    case 4:
      let least = pick(4)
      return .object([
        "type": "string", "minLength": .integer(least), "maxLength": .integer(least + pick(5)),
      ])
    case 5: return .object(["type": "string", "pattern": "^[a-c\"\\\\é]+-\\d{2,3}$"])
    case 6: return .object(["const": .array([1, "x", .object(["k": false])])])
    case 7: return .object(["anyOf": .array((0...pick(3)).map { _ in schema(depth: depth - 1) })])
    case 8:
      let least = pick(3)
      return .object([
        "type": "array", "items": schema(depth: depth - 1), "minItems": .integer(least),
        "maxItems": .integer(least + pick(3)),
      ])
    case 9:
      return .object([
        "type": "array", "prefixItems": [schema(depth: depth - 1), schema(depth: depth - 1)],
        "items": pick(2) == 0 ? false : schema(depth: depth - 1), "minItems": .integer(pick(3)),
      ])
    default:
      var properties: [String: JSONValue] = [:]
      var required: [JSONValue] = []
      for name in ["one", "t\"wo", "three", "四"].prefix(pick(5)) {
        properties[name] = schema(depth: depth - 1)
        if pick(2) == 0 { required.append(.string(name)) }
      }
      return .object([
        "type": "object", "properties": .object(properties), "required": .array(required),
        "additionalProperties": false,
      ])
    }
  }
}

/// Whether a schema of the random ones allows a value, by the specification's words.
private enum SchemaCheck {
  static func allows(_ value: JSONValue, _ schema: JSONValue) -> Bool {
    guard let keys = schema.object else { return schema == .bool(true) }
    if let any = keys["anyOf"]?.array { return any.contains { allows(value, $0) } }
    if let values = keys["enum"]?.array ?? keys["const"].map({ [$0] }) {
      return values.contains(value)
    }
    let types = (keys["type"]?.array ?? [keys["type"] ?? .null]).compactMap(\.string)
    switch value {
    case .null: return types.contains("null")
    case .bool: return types.contains("boolean")
    case .integer: return types.contains("integer") || types.contains("number")
    case .unsigned, .number: return types.contains("number")
    case .string(let text):
      let count = text.unicodeScalars.count
      let isLong =
        count >= keys["minLength"]?.integer ?? 0 && count <= keys["maxLength"]?.integer ?? .max
      let matches =
        keys["pattern"] == nil || text.wholeMatch(of: /[a-c"\\é]+-[0-9]{2,3}/) != nil
      return types.contains("string") && isLong && matches
    case .array(let items):
      let first = keys["prefixItems"]?.array ?? []
      let rest = keys["items"] ?? .bool(true)
      return types.contains("array") && items.count >= keys["minItems"]?.integer ?? 0
        && items.count <= keys["maxItems"]?.integer ?? .max
        && items.indices.allSatisfy {
          allows(items[$0], first.indices.contains($0) ? first[$0] : rest)
        }
    case .object(let members, _):
      let properties = keys["properties"]?.object ?? [:]
      let required = keys["required"]?.array?.compactMap(\.string) ?? []
      return types.contains("object") && required.allSatisfy { members[$0] != nil }
        && members.allSatisfy { key, value in properties[key].map { allows(value, $0) } == true }
    }
  }
}
