import Lantern
import LanternFormats
import LanternTokenizers

/// The tools that a chat may call, and whether it must.
struct ToolOffer: Sendable {
  /// All that the model is told of; none where it may call none.
  private(set) var tools: [ChatTool] = []
  /// Those of which it must call one; none where it may also answer in words.
  private var required: [ChatTool] = []
  /// Whether one answer may have several calls.
  private(set) var areSeveral = true

  /// No tools.
  init() {}

  /// The tools of a body; those that it leaves out, or chooses none of, are none.
  ///
  /// - Parameter fields: the body.
  /// - Throws: ``ServerError`` for values that make no sense.
  init(_ fields: RequestFields) throws(ServerError) {
    fields.pass(idle: ["functions": [.array([])], "function_call": ["none", "auto"]])
    for name in ["functions", "function_call"] where fields.hasUnread(name) {
      throw .unsupported(name: name, remedy: "send tools and tool_choice")
    }
    areSeveral = try fields.bool("parallel_tool_calls") ?? true
    var tools: [ChatTool] = []
    for tool in try fields.objects("tools") ?? [] { tools.append(try Self.tool(tool)) }
    let choice = fields.value("tool_choice")
    if tools.isEmpty {
      guard [nil, "none", "auto"].contains(choice) else {
        throw .field(name: "tool_choice", reason: "there are no tools: send tools too")
      }
      return
    }
    switch choice {
    case "none": return
    case nil, "auto": break
    case "required": required = tools
    default: required = [try Self.chosen(fields, from: tools)]
    }
    self.tools = tools
  }

  /// A tool as chats have it, or as responses do, whose function is not an object of its own.
  private static func tool(_ fields: RequestFields) throws(ServerError) -> ChatTool {
    guard try fields.string("type") == "function" else {
      throw .unsupported(
        name: fields.path("type"), remedy: "the tools here are functions that the client runs")
    }
    let inner = try fields.object("function")
    let function = inner ?? fields
    guard let name = try function.string("name"), !name.isEmpty else {
      throw .field(name: function.path("name"), reason: "give the function's name")
    }
    function.pass("description", "strict")
    let parameters = function.value("parameters")
    guard parameters == nil || parameters?.object != nil else {
      throw .field(name: function.path("parameters"), reason: "give a JSON schema of an object")
    }
    let members = fields.members.filter { $0.key != "type" && (inner != nil || $0.key != "strict") }
    let json: JSONValue =
      inner == nil
      ? .object(ordered: [("type", "function"), ("function", .object(ordered: members))])
      : .object(ordered: fields.members)
    return ChatTool(name: name, parameters: parameters, json: json)
  }

  /// The tool that a choice names: `{"type": "function", "function": {"name": …}}`, of responses without the inner object.
  private static func chosen(_ fields: RequestFields, from tools: [ChatTool]) throws(ServerError)
    -> ChatTool
  {
    guard fields.value("tool_choice")?.object != nil, let choice = try fields.object("tool_choice"),
      try choice.string("type") == "function"
    else {
      throw .field(
        name: "tool_choice", reason: "give none, auto, required, or a function by its name")
    }
    let name = try (choice.object("function") ?? choice).string("name") ?? ""
    guard let tool = tools.first(where: { $0.name == name }) else {
      let known = tools.map(\.name).joined(separator: ", ")
      throw .field(
        name: "tool_choice", reason: "there is no tool \(JSON.quoted(name)); there are: \(known)")
    }
    return tool
  }

  /// The request of an answer, held to calls where there must be some.
  ///
  /// - Parameters:
  ///   - request: of the answer.
  ///   - form: how the model writes calls.
  /// - Returns: the request.
  /// - Throws: ``ServerError/field(name:reason:)`` for an answer that is held to another form.
  func held(_ request: LanguageRequest, _ form: ChatForm) throws(ServerError) -> LanguageRequest {
    guard !required.isEmpty else { return request }
    guard request.schema == nil, request.regex == nil, request.choices.isEmpty else {
      throw .field(
        name: "tool_choice", reason: "the answer is held to another form: leave one of them out")
    }
    return form.calling(request, required, areSeveral: areSeveral)
  }
}

extension ToolCall {
  /// The call as OpenAI's chats have it.
  var json: [String: JSONValue] {
    [
      "id": .string(id), "type": "function",
      "function": .object(["name": .string(name), "arguments": .string(argumentText)]),
    ]
  }

  /// The arguments as JSON.
  var argumentText: String { JSON.write(arguments, keepsOrder: true) }
}
