package import LanternFormats

/// How a model writes calls of tools, as its chat template teaches it.
package enum ToolCallForm: Sendable, Equatable {
  /// `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, each call in tags of its own: Hermes 2 Pro, Qwen 2.5 and 3.
  case tags
  /// `[TOOL_CALLS] [{"name": …, "arguments": {…}}, …]`: Mistral 7B 0.3 to Large 2407.
  case list
  /// `{"name": …, "parameters": {…}}` as the whole answer: Llama 3.1 to 3.3.
  case object

  /// The form that a template teaches; nil where it teaches none of these.
  ///
  /// - Parameter source: the template.
  package init?(template source: String) {
    // Qwen 3 Coder's tags hold XML.
    if source.contains("<tool_call>"), !source.contains("<function=") {
      self = .tags
    } else if source.contains("[TOOL_CALLS]"), !source.contains("[ARGS]") {
      self = .list
    } else if source.contains("\"parameters\"") {
      self = .object
    } else {
      return nil
    }
  }

  /// What stands before the first call, between two, where there may be several, and behind the last.
  package var frame: (opening: String, separator: String?, closing: String) {
    switch self {
    case .tags: ("<tool_call>\n", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>")
    case .list: ("[TOOL_CALLS] [", ", ", "]")
    case .object: ("", nil, "")
    }
  }

  /// What a call's arguments are called.
  private var argumentsKey: String { self == .object ? "parameters" : "arguments" }

  /// A new id of a call: Mistral's templates take no other than nine letters and digits.
  package var newID: String {
    let digits = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    let count = self == .list ? 9 : 24
    let text = String((0..<count).map { _ in digits[.random(in: digits.indices)] })
    return self == .list ? text : "call_" + text
  }

  /// The JSON schema of a call of one of some tools.
  ///
  /// - Parameter tools: the tools, at least one.
  /// - Returns: the schema.
  package func schema(of tools: [ChatTool]) -> JSONValue {
    let calls = tools.enumerated().map { index, tool in
      let path = "#/anyOf/\(index)/properties/\(argumentsKey)"
      let none: JSONValue = .object(["type": "object", "additionalProperties": false])
      let parameters = tool.parameters.map { Self.moved($0, to: path) } ?? none
      return JSONValue.object([
        "type": "object", "required": .array(["name", .string(argumentsKey)]),
        "properties": .object(ordered: [
          ("name", .object(["const": .string(tool.name)])),
          (argumentsKey, parameters.object?.isEmpty == true ? none : parameters),
        ]),
      ])
    }
    return .object(["anyOf": .array(calls)])
  }

  /// A schema whose references are to itself where it stands in another.
  private static func moved(_ schema: JSONValue, to path: String) -> JSONValue {
    if let items = schema.array { return .array(items.map { moved($0, to: path) }) }
    guard let members = schema.members else { return schema }
    return .object(
      ordered: members.map { key, value in
        if key == "$ref", let target = value.string, target.hasPrefix("#") {
          return (key, .string(path + target.dropFirst()))
        }
        // Values, in which nothing is a reference.
        let isValue = ["const", "enum", "default", "examples", "example"].contains(key)
        return (key, isValue ? value : moved(value, to: path))
      })
  }

  /// Reads one call: an object, or none.
  func call(_ value: JSONValue) -> ToolCall? {
    guard let members = value.object, let name = members["name"]?.string else { return nil }
    let given = members["arguments"] ?? members["parameters"] ?? .object([:])
    // Some models write the object as a text.
    let inner = given.string.flatMap { try? JSON.parse(text: $0, file: "arguments") } ?? given
    guard inner.object != nil else { return nil }
    return ToolCall(id: newID, name: name, arguments: inner)
  }
}
