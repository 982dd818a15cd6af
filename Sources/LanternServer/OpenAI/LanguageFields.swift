import Lantern
import LanternFormats
import LanternTokenizers

/// Settings of texts as OpenAI's clients and those of llama.cpp and vLLM send them.
extension RequestFields {
  /// The request that they make; its prompt is empty.
  ///
  /// - Parameters:
  ///   - limits: names of the field that limits the text, the first that is there counts.
  ///   - standard: tokens at most where none is.
  /// - Returns: the request.
  /// - Throws: ``ServerError`` for values that make no sense.
  func languageRequest(limits: [String], standard: Int) throws(ServerError)
    -> LanguageRequest
  {
    var request = LanguageRequest(prompt: "")
    let settings = try object("settings")
    if let settings { request = try settings.languageSettings() }
    if settings?.has("maximumTokens") != true { request.maximumTokens = standard }
    for name in limits.reversed() {
      if let limit = try integer(name, in: 1...1 << 20) { request.maximumTokens = limit }
    }
    request.seed = try seed() ?? request.seed
    request.temperature = try float("temperature", in: 0...100) ?? request.temperature
    request.topP = try float("top_p", in: 0...1) ?? request.topP
    request.topK = try integer("top_k", in: -1...1 << 30).map { max(0, $0) } ?? request.topK
    request.minP = try float("min_p", in: 0...1) ?? request.minP
    request.typicalP = try float("typical_p", in: 0...1) ?? request.typicalP
    request.presencePenalty =
      try float("presence_penalty", in: -100...100) ?? request.presencePenalty
    request.frequencyPenalty =
      try float("frequency_penalty", in: -100...100) ?? request.frequencyPenalty
    for name in ["repeat_penalty", "repetition_penalty"] {
      if let penalty = try float(name, in: 0.01...100) { request.repetitionPenalty = penalty }
    }
    request.stop = try strings("stop") ?? request.stop
    request.minimumTokens = try integer("min_tokens", in: 0...1 << 20) ?? request.minimumTokens
    if let bias = value("logit_bias") { request.logitBias = try Self.bias(bias) }
    try takeForm(&request)
    pass("user", "safety_identifier")
    pass(idle: [
      "metadata": [.object([:])], "store": [false], "service_tier": ["auto", "default"],
      "modalities": [.array(["text"])],
    ])
    return request
  }

  /// The request of settings by the names that they have in Swift.
  private func languageSettings() throws(ServerError) -> LanguageRequest {
    let values = given
    let found: (request: LanguageRequest, unknown: Set<String>)
    do throws(FormatError) {
      found = try LanguageSetting.request(ofValues: values, file: "settings")
    } catch {
      throw .field(name: "settings", reason: "\(error)")
    }
    guard found.request.promptCache == nil else {
      throw .unsupported(
        name: path("promptCache"), remedy: "leave it out: callers name no files of the server")
    }
    for name in values.keys where !found.unknown.contains(name) { pass(name) }
    return found.request
  }

  func float(_ name: String, in range: ClosedRange<Double>) throws(ServerError) -> Float? {
    try number(name, in: range).map { Float($0) }
  }

  private static func bias(_ value: JSONValue) throws(ServerError) -> [Int: Float] {
    var bias: [Int: Float] = [:]
    for (key, value) in value.object ?? [:] {
      guard let id = Int(key), let number = value.double, number.isFinite else {
        throw .field(name: "logit_bias", reason: "give numbers by the ids of tokens")
      }
      // OpenAI's extremes ban a token and allow it alone.
      bias[id] = number <= -100 ? -.infinity : Float(number)
    }
    return bias
  }

  /// What the text is held to.
  private func takeForm(_ request: inout LanguageRequest) throws(ServerError) {
    for name in ["guided_regex", "regex"] {
      if let regex = try string(name) { request.regex = regex }
    }
    for name in ["guided_choice", "choices"] {
      if let choices = try strings(name) { request.choices = choices }
    }
    if let form = try object("response_format") {
      try form.takeForm(&request, named: "response_format")
    }
  }

  /// The form that these fields name; `response_format` of chats, `text.format` of responses.
  func takeForm(_ request: inout LanguageRequest, named name: String) throws(ServerError) {
    switch try string("type") {
    case "text", nil: break
    case "json_object": request.schema = #"{"type": "object"}"#
    case "json_schema":
      let inner = try object("json_schema")
      for fields in [self, inner] { fields?.pass("name", "strict", "description") }
      guard let schema = inner?.value("schema") ?? value("schema") else {
        throw .field(name: "\(name).schema", reason: "it is missing")
      }
      request.schema = JSON.write(schema, keepsOrder: true)
    case let type?:
      throw .field(
        name: "\(name).type",
        reason: "\(JSON.quoted(type)): give text, json_object or json_schema")
    }
  }

  /// The messages of a conversation.
  ///
  /// - Parameter name: of the field.
  /// - Returns: the messages.
  /// - Throws: ``ServerError/field(name:reason:)``, ``ServerError/unsupported(name:remedy:)`` for pictures in them.
  func messages(_ name: String = "messages") throws(ServerError) -> [ChatMessage] {
    guard let list = try objects(name), !list.isEmpty else {
      throw .field(name: name, reason: "give one at least")
    }
    var messages: [ChatMessage] = []
    for fields in list { messages.append(try fields.message()) }
    return messages
  }

  /// The message that these fields are.
  ///
  /// - Returns: the message.
  /// - Throws: as ``messages(_:)``.
  func message() throws(ServerError) -> ChatMessage {
    pass(idle: [
      "type": ["message"], "status": ["completed"], "refusal": [.string("")],
      "annotations": [.array([])], "images": [.array([])], "tool_calls": [.array([])],
    ])
    let role: ChatMessage.Role
    switch try string("role") {
    case "system", "developer": role = .system
    case "user": role = .user
    case "assistant": role = .assistant
    case "tool": role = .tool
    case let other:
      throw .field(
        name: path("role"),
        reason: "\(JSON.quoted(other ?? "")): give system, user, assistant or tool")
    }
    var message = ChatMessage(role, try text("content"))
    switch role {
    case .assistant:
      for call in try objects("tool_calls") ?? [] { message.toolCalls.append(try call.toolCall()) }
    case .tool:
      message.toolCallID = try string("tool_call_id")
      let other = try string("tool_name")
      message.toolName = try string("name") ?? other
    case .system, .user: break
    }
    return message
  }

  /// A call that an assistant's message made: its arguments as text, or as Ollama's clients send them.
  private func toolCall() throws(ServerError) -> ToolCall {
    pass("type", "index")
    guard let function = try object("function"), let name = try function.string("name") else {
      throw .field(name: path("function.name"), reason: "give the function that was called")
    }
    function.pass("index")
    let arguments = try function.jsonObject("arguments")
    return ToolCall(id: try string("id") ?? "", name: name, arguments: arguments)
  }

  /// An object, or the text of one; an empty one where there is none.
  func jsonObject(_ name: String) throws(ServerError) -> JSONValue {
    let given = value(name) ?? .object([:])
    let value: JSONValue? =
      if let text = given.string {
        text.isEmpty ? .object([:]) : try? JSON.parse(text: text, file: path(name))
      } else {
        given
      }
    guard let value, value.object != nil else {
      throw .field(name: path(name), reason: "give a JSON object, or the text of one")
    }
    return value
  }

  /// The text of a message: as it is, or in parts; empty where there is none.
  func text(_ name: String) throws(ServerError) -> String {
    guard let content = value(name) else { return "" }
    if let text = content.string { return text }
    guard let parts = content.array else {
      throw .field(name: path(name), reason: "give a text, or a list of parts")
    }
    var text = ""
    for part in parts {
      guard ["text", "input_text", "output_text"].contains(part.object?["type"]?.string),
        let piece = part.object?["text"]?.string
      else {
        throw .unsupported(
          name: path(name), remedy: "the language models here read text alone")
      }
      text += piece
    }
    return text
  }

  /// Whether a streamed answer ends with the count of its tokens.
  func tellsUsage() throws(ServerError) -> Bool {
    try object("stream_options")?.bool("include_usage") ?? false
  }
}

extension LanguageResult {
  /// The counts of a text and why it ended, in the last piece of a stream: what OpenAI's form does not tell.
  var json: JSONValue {
    .object([
      "ending": .string(ending.rawValue), "prompt_tokens": .integer(promptTokens),
      "cached_tokens": .integer(cachedTokens), "tokens": .integer(tokens),
      "proposed_tokens": .integer(proposedTokens), "accepted_tokens": .integer(acceptedTokens),
      "score": score.map { .number(Double($0)) } ?? .null,
    ])
  }
}

extension LanguageResult.Ending {
  /// OpenAI's name of it.
  var openAI: JSONValue { self == .length ? "length" : "stop" }
}

/// Events of several texts as they come, each with its text's number.
func merged(_ texts: [AsyncThrowingStream<LanguageEvent, any Error>])
  -> AsyncThrowingStream<(Int, LanguageEvent), any Error>
{
  AsyncThrowingStream { stream in
    let task = Task {
      do {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for (number, text) in texts.enumerated() {
            group.addTask {
              for try await event in text { stream.yield((number, event)) }
              try Task.checkCancellation()
            }
          }
          try await group.waitForAll()
        }
        stream.finish()
      } catch {
        stream.finish(throwing: error)
      }
    }
    stream.onTermination = { _ in task.cancel() }
  }
}
