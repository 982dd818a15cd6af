import ArgumentParser
import LanternFormats
import LanternTokenizers

/// Functions that a model may call.
struct ToolOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Functions that the model may call: a JSON list as OpenAI's tools. (default: none)",
      valueName: "file"), transform: FileArgument.named)
  var tools: String?

  @Option(
    help: ArgumentHelp(
      "The program that does what is called: PROGRAM NAME, the arguments as JSON on its standard input, the result "
        + "on its standard output. (default: results are typed)",
      valueName: "program"), transform: FileArgument.named)
  var toolCommand: String?

  mutating func validate() throws {
    if toolCommand != nil, tools == nil {
      throw ValidationError("--tool-command does what tools name: give --tools too")
    }
  }

  /// The tools of the file, and who answers their calls; nil without a file.
  ///
  /// - Throws: `FormatError` for a file that is no list of tools.
  func load() throws -> ToolRunner? {
    guard let tools else { return nil }
    let text = try PromptFile.text(tools)
    return ToolRunner(
      all: try ChatTool.all(of: JSON.parse(text: text, file: tools), file: tools),
      command: toolCommand)
  }
}

extension ChatTool {
  /// The tools of a JSON list, or of an object's `tools`: OpenAI's `{"type": "function", "function": {…}}`, or the inner
  /// objects alone.
  ///
  /// - Throws: ``FormatError`` for anything else, two of a name, and none.
  static func all(of json: JSONValue, file: String) throws(FormatError) -> [ChatTool] {
    guard let list = json.array ?? json.object?["tools"]?.array, !list.isEmpty else {
      throw .wrongType(key: "tools", expected: "a list of functions", file: file)
    }
    var tools: [ChatTool] = []
    for (index, item) in list.enumerated() {
      let key = "tools[\(index)]"
      let function = item.object?["function"] ?? item
      guard let fields = function.object, item.object?["type"]?.string ?? "function" == "function"
      else { throw .wrongType(key: key, expected: "a function", file: file) }
      guard let name = fields["name"]?.string, !name.isEmpty else {
        throw .wrongType(key: "\(key).name", expected: "the function's name", file: file)
      }
      guard !tools.contains(where: { $0.name == name }) else {
        throw .wrongType(key: "\(key).name", expected: "a name that no other has", file: file)
      }
      let parameters = fields["parameters"] ?? .null
      guard parameters == .null || parameters.object != nil else {
        throw .wrongType(key: "\(key).parameters", expected: "a JSON schema", file: file)
      }
      tools.append(
        ChatTool(
          name: name, parameters: parameters == .null ? nil : parameters,
          json: .object(ordered: [("type", "function"), ("function", function)])))
    }
    return tools
  }
}

extension ChatMessage {
  /// The message as OpenAI's API has it.
  var json: JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("role", .string(role.rawValue)), ("content", .string(content)),
    ]
    if !toolCalls.isEmpty {
      members.append(
        (
          "tool_calls",
          .array(
            toolCalls.map { call in
              .object([
                "id": .string(call.id), "type": "function",
                "function": .object([
                  "name": .string(call.name), "arguments": .string(call.argumentText),
                ]),
              ])
            })
        ))
    }
    if let toolCallID { members.append(("tool_call_id", .string(toolCallID))) }
    return .object(ordered: members)
  }
}

extension ToolCall {
  /// The arguments as JSON.
  var argumentText: String { JSON.write(arguments, keepsOrder: true) }
}
