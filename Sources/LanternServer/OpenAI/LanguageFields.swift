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
    request.maximumTokens = standard
    for name in limits.reversed() {
      if let limit = try integer(name, in: 1...1 << 20) { request.maximumTokens = limit }
    }
    request.seed = try seed() ?? request.seed
    request.temperature = try float("temperature", in: 0...100)
    request.topP = try float("top_p", in: 0...1)
    request.topK = try integer("top_k", in: -1...1 << 30).map { max(0, $0) } ?? request.topK
    request.minP = try float("min_p", in: 0...1) ?? request.minP
    request.typicalP = try float("typical_p", in: 0...1) ?? request.typicalP
    request.presencePenalty = try float("presence_penalty", in: -100...100) ?? 0
    request.frequencyPenalty = try float("frequency_penalty", in: -100...100) ?? 0
    for name in ["repeat_penalty", "repetition_penalty"] {
      if let penalty = try float(name, in: 0.01...100) { request.repetitionPenalty = penalty }
    }
    request.stop = try strings("stop") ?? []
    request.minimumTokens = try integer("min_tokens", in: 0...1 << 20) ?? 0
    if let bias = value("logit_bias") { request.logitBias = try Self.bias(bias) }
    try takeForm(&request)
    pass("user", "safety_identifier")
    pass(idle: [
      "metadata": [.object([:])], "store": [false], "service_tier": ["auto", "default"],
      "modalities": [.array(["text"])],
    ])
    return request
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
      request.schema = JSON.write(schema)
    case let type?:
      throw .field(
        name: "\(name).type",
        reason: "\(JSON.quoted(type)): give text, json_object or json_schema")
    }
  }

  /// The messages of a conversation.
  ///
  /// - Throws: ``ServerError/field(name:reason:)``, ``ServerError/unsupported(name:remedy:)`` for pictures in them.
  func messages(_ name: String = "messages") throws(ServerError) -> [ChatMessage] {
    guard let list = try objects(name), !list.isEmpty else {
      throw .field(name: name, reason: "give one at least")
    }
    var messages: [ChatMessage] = []
    for fields in list {
      fields.pass(idle: ["type": ["message"], "status": ["completed"]])
      let role: ChatMessage.Role
      switch try fields.string("role") {
      case "system", "developer": role = .system
      case "user": role = .user
      case "assistant": role = .assistant
      case let other:
        throw .field(
          name: fields.path("role"),
          reason: "\(JSON.quoted(other ?? "")): give system, user or assistant")
      }
      let content = try Self.text(fields.value("content"), fields.path("content"))
      messages.append(ChatMessage(role, content))
    }
    return messages
  }

  /// The text of a message: as it is, or in parts.
  private static func text(_ content: JSONValue?, _ path: String) throws(ServerError) -> String {
    guard let content else { return "" }
    if let text = content.string { return text }
    guard let parts = content.array else {
      throw .field(name: path, reason: "give a text, or a list of parts")
    }
    var text = ""
    for part in parts {
      guard ["text", "input_text", "output_text"].contains(part.object?["type"]?.string),
        let piece = part.object?["text"]?.string
      else {
        throw .unsupported(name: path, remedy: "the language models here read text alone")
      }
      text += piece
    }
    return text
  }

  /// Whether a streamed answer ends with the count of its tokens.
  func tellsUsage() throws(ServerError) -> Bool {
    try object("stream_options")?.bool("include_usage") ?? false
  }

  /// Refuses what a client asks a model to call.
  func refuseTools() throws(ServerError) {
    pass(idle: [
      "tools": [.array([])], "functions": [.array([])], "tool_choice": ["none", "auto"],
      "parallel_tool_calls": [true, false], "function_call": ["none", "auto"],
    ])
    for name in ["tools", "functions"] where try array(name)?.isEmpty == false {
      throw .unsupported(
        name: name, remedy: "ask for JSON with response_format, which the text is held to")
    }
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
