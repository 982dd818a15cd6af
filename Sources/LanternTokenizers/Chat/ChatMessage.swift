package import LanternFormats

/// A message of a conversation.
package struct ChatMessage: Sendable, Equatable {
  /// Who wrote a message.
  package enum Role: String, Sendable { case system, user, assistant, tool }

  package let role: Role
  package var content: String
  /// The tools that an assistant's message calls.
  package var toolCalls: [ToolCall] = []
  /// Of a tool's message, the id of the call that it answers.
  package var toolCallID: String?
  /// Of a tool's message, the tool's name.
  package var toolName: String?

  package init(_ role: Role, _ content: String) { (self.role, self.content) = (role, content) }

  /// The message as transformers gives it to templates.
  var templateValue: ChatValue {
    var members: [(key: String, value: ChatValue)] = [
      ("role", .text(role.rawValue)), ("content", .typed(content)),
    ]
    if !toolCalls.isEmpty { members.append(("tool_calls", .list(toolCalls.map(\.templateValue)))) }
    if let toolCallID { members.append(("tool_call_id", .typed(toolCallID))) }
    if let toolName { members.append(("name", .typed(toolName))) }
    return .object(members)
  }
}

/// A tool that a model may call: a function with named arguments.
package struct ChatTool: Sendable, Equatable {
  package let name: String
  /// The JSON schema of the arguments, an object's; nil for a function without any.
  package let parameters: JSONValue?
  /// The whole of it as OpenAI's API has it, `{"type": "function", "function": {…}}`.
  package let json: JSONValue

  package init(name: String, parameters: JSONValue?, json: JSONValue) {
    (self.name, self.parameters, self.json) = (name, parameters, json)
  }
}

/// A call of a tool.
package struct ToolCall: Sendable, Equatable {
  /// What the tool's message names it by.
  package let id: String
  package let name: String
  /// An object.
  package let arguments: JSONValue

  package init(id: String, name: String, arguments: JSONValue) {
    (self.id, self.name, self.arguments) = (id, name, arguments)
  }

  fileprivate var templateValue: ChatValue {
    .object([
      ("id", .typed(id)), ("type", .text("function")),
      ("function", .object([("name", .typed(name)), ("arguments", ChatValue(arguments))])),
    ])
  }
}

extension ChatValue {
  /// A value of JSON, whose texts people or a model wrote; objects keep the order of their members.
  package init(_ json: JSONValue) {
    self =
      switch json {
      case .null: .null
      case .bool(let value): .bool(value)
      case .integer(let value): .integer(value)
      case .unsigned(let value): .number(Double(value))
      case .number(let value): .number(value)
      case .string(let text): .typed(text)
      case .array(let values): .list(values.map(ChatValue.init))
      case .object: .object((json.members ?? []).map { ($0.key, ChatValue($0.value)) })
      }
  }
}
