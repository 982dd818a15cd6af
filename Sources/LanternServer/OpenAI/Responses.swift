import Hummingbird
import Lantern
import LanternFormats
import LanternTokenizers

/// OpenAI's responses in their plain form: a text that answers texts, or calls of functions. Nothing of them is stored.
extension Service {
  func addResponses(_ router: Router<Context>) {
    router.post("/v1/responses") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      return try await self.response(fields, request)
    }
  }

  private func response(_ fields: RequestFields, _ call: Request) async throws -> Response {
    let model = try await shelf.language(fields.string("model"))
    let instructions = try fields.string("instructions")
    let messages = try fields.input(instructions)
    let offer = try ToolOffer(fields)
    for name in ["previous_response_id", "conversation", "prompt"] where fields.has(name) {
      throw ServerError.unsupported(
        name: name, remedy: "nothing is stored here: send the whole conversation as input")
    }
    let isStreamed = try fields.bool("stream") ?? false
    var request = try fields.languageRequest(limits: ["max_output_tokens"], standard: 1024)
    if let form = try fields.object("text") {
      form.pass(idle: ["verbosity": ["medium"]])
      try form.object("format")?.takeForm(&request, named: "text.format")
    }
    fields.pass(idle: [
      "background": [false], "include": [.array([])], "truncation": ["disabled"],
      "reasoning": [.object([:])], "stream_options": [.object([:])],
    ])
    let text = try model.answer(messages, request, offering: offer)
    let form = ResponseForm(
      model: model.name, instructions: instructions, request: request,
      tools: fields.value("tools") ?? .array([]), choice: fields.value("tool_choice") ?? "auto",
      areSeveral: offer.areSeveral, notes: fields.notes, reader: AnswerReader(offer, model))
    if isStreamed {
      return EventWriter.response(.events, errors: .openAI) { try await form.write(text, &$0) }
    }
    let answer = try await whileListening(call) { try await TextAnswer.gathered([text]) }
    return Response(json: form.object(answer), closes: true)
  }
}

extension RequestFields {
  /// The messages of a response's input: a text, or items; the instructions before them.
  fileprivate func input(_ instructions: String?) throws(ServerError) -> [ChatMessage] {
    var messages = instructions.map { [ChatMessage(.system, $0)] } ?? []
    if let text = value("input")?.string { return messages + [ChatMessage(.user, text)] }
    guard let items = try objects("input"), !items.isEmpty else {
      throw .field(name: "input", reason: "give a text, or one item at least")
    }
    for item in items {
      switch try item.string("type") {
      case "function_call":
        item.pass("id", "status")
        guard let name = try item.string("name") else {
          throw .field(name: item.path("name"), reason: "give the function that was called")
        }
        let call = ToolCall(
          id: try item.string("call_id") ?? "", name: name,
          arguments: try item.jsonObject("arguments"))
        if messages.last?.role != .assistant { messages.append(ChatMessage(.assistant, "")) }
        messages[messages.count - 1].toolCalls.append(call)
      case "function_call_output":
        item.pass("id", "status")
        var message = ChatMessage(.tool, try item.text("output"))
        message.toolCallID = try item.string("call_id")
        let calls = messages.flatMap(\.toolCalls)
        message.toolName = calls.last { $0.id == message.toolCallID }?.name
        messages.append(message)
      default: messages.append(try item.message())
      }
    }
    return messages
  }
}

/// A response, whole and as events.
private struct ResponseForm {
  let model: String
  let instructions: String?
  let request: LanguageRequest
  let tools: JSONValue
  let choice: JSONValue
  let areSeveral: Bool
  let notes: [String]
  /// Divides the answer.
  let reader: AnswerReader
  let id = newName("resp_")
  let created = unixTime

  /// The response; what is to come of it where there is no answer yet.
  func object(_ answer: TextAnswer?) -> JSONValue {
    let choice = answer?.choices.first
    let isCut = choice?.result?.ending == .length
    let status = answer == nil ? "in_progress" : isCut ? "incomplete" : "completed"
    let items = choice.map { choice in
      var (items, reader) = (ResponseItems(response: id), reader)
      for piece in reader.add(choice.text) + reader.finish() { _ = items.take(piece) }
      _ = items.finish(status)
      return items.done
    }
    return .object([
      "id": .string(id), "object": "response", "created_at": .integer(created),
      "status": .string(status), "error": .null, "model": .string(model),
      "incomplete_details": isCut ? .object(["reason": "max_output_tokens"]) : .null,
      "instructions": instructions.map(JSONValue.string) ?? .null,
      "max_output_tokens": .integer(request.maximumTokens), "output": .array(items ?? []),
      "temperature": request.temperature.map { .number(Double($0)) } ?? .null,
      "top_p": request.topP.map { .number(Double($0)) } ?? .null,
      "parallel_tool_calls": .bool(areSeveral), "tool_choice": self.choice, "tools": tools,
      "store": false,
      "previous_response_id": .null, "truncation": "disabled", "metadata": .object([:]),
      "text": .object(["format": .object(["type": "text"])]), "background": false,
      "reasoning": .object(["effort": .null, "summary": .null]), "user": .null,
      "usage": choice?.result.map(Self.usage) ?? .null,
      "notes": .array((notes + (choice?.result?.notes ?? [])).map(JSONValue.string)),
    ])
  }

  private static func usage(_ result: LanguageResult) -> JSONValue {
    .object([
      "input_tokens": .integer(result.promptTokens),
      "input_tokens_details": .object(["cached_tokens": .integer(result.cachedTokens)]),
      "output_tokens": .integer(result.tokens),
      "output_tokens_details": .object(["reasoning_tokens": 0]),
      "total_tokens": .integer(result.promptTokens + result.tokens),
    ])
  }

  /// Writes it as it comes.
  func write(
    _ events: AsyncThrowingStream<LanguageEvent, any Error>, _ writer: inout EventWriter
  ) async throws {
    var number = 0
    func numbered(_ type: String, _ fields: [String: JSONValue]) -> [String: JSONValue] {
      defer { number += 1 }
      var object = fields
      (object["type"], object["sequence_number"]) = (.string(type), .integer(number))
      return object
    }
    let begun: [String: JSONValue] = ["response": object(nil)]
    try await writer.send(typed: numbered("response.created", begun))
    try await writer.send(typed: numbered("response.in_progress", begun))
    var (answer, items, reader) = (TextAnswer(count: 1), ResponseItems(response: id), reader)
    for try await event in events {
      answer.take(0, event)
      guard case .text(let text) = event else { continue }
      for (type, fields) in reader.add(text).flatMap({ items.take($0) }) {
        try await writer.send(typed: numbered(type, fields))
      }
    }
    guard let result = answer.choices.first?.result else { throw CancellationError() }
    let status = result.ending == .length ? "incomplete" : "completed"
    for (type, fields) in reader.finish().flatMap({ items.take($0) }) + items.finish(status) {
      try await writer.send(typed: numbered(type, fields))
    }
    try await writer.send(typed: numbered("response.\(status)", ["response": object(answer)]))
  }
}
