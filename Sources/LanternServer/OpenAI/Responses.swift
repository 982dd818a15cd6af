import Hummingbird
import Lantern
import LanternFormats
import LanternTokenizers

/// OpenAI's responses in their plain form: a text that answers texts. Nothing of them is stored.
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
    try fields.refuseTools()
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
    let text = try model.answer(messages, request)
    let form = ResponseForm(
      model: model.name, instructions: instructions, request: request, notes: fields.notes)
    if isStreamed {
      return EventWriter.response(.events, errors: .openAI) { try await form.write(text, &$0) }
    }
    let answer = try await whileListening(call) { try await TextAnswer.gathered([text]) }
    return Response(json: form.object(answer), closes: true)
  }
}

extension RequestFields {
  /// The messages of a response's input: a text, or messages; the instructions before them.
  fileprivate func input(_ instructions: String?) throws(ServerError) -> [ChatMessage] {
    let before = instructions.map { [ChatMessage(.system, $0)] } ?? []
    if let text = value("input")?.string { return before + [ChatMessage(.user, text)] }
    return before + (try messages("input"))
  }
}

/// A response, whole and as events.
private struct ResponseForm {
  let model: String
  let instructions: String?
  let request: LanguageRequest
  let notes: [String]
  let id = newName("resp_")
  let item = newName("msg_")
  let created = unixTime

  /// The response; what is to come of it where there is no answer yet.
  func object(_ answer: TextAnswer?) -> JSONValue {
    let choice = answer?.choices.first
    let isCut = choice?.result?.ending == .length
    let status = answer == nil ? "in_progress" : isCut ? "incomplete" : "completed"
    return .object([
      "id": .string(id), "object": "response", "created_at": .integer(created),
      "status": .string(status), "error": .null, "model": .string(model),
      "incomplete_details": isCut ? .object(["reason": "max_output_tokens"]) : .null,
      "instructions": instructions.map(JSONValue.string) ?? .null,
      "max_output_tokens": .integer(request.maximumTokens),
      "output": .array(choice.map { [message($0.text, status)] } ?? []),
      "temperature": request.temperature.map { .number(Double($0)) } ?? .null,
      "top_p": request.topP.map { .number(Double($0)) } ?? .null,
      "parallel_tool_calls": true, "tool_choice": "auto", "tools": .array([]), "store": false,
      "previous_response_id": .null, "truncation": "disabled", "metadata": .object([:]),
      "text": .object(["format": .object(["type": "text"])]), "background": false,
      "reasoning": .object(["effort": .null, "summary": .null]), "user": .null,
      "usage": choice?.result.map(Self.usage) ?? .null,
      "notes": .array((notes + (choice?.result?.notes ?? [])).map(JSONValue.string)),
    ])
  }

  private func message(_ text: String, _ status: String) -> JSONValue {
    .object([
      "type": "message", "id": .string(item), "role": "assistant", "status": .string(status),
      "content": .array([Self.part(text)]),
    ])
  }

  private static func part(_ text: String) -> JSONValue {
    .object([
      "type": "output_text", "text": .string(text), "annotations": .array([]),
      "logprobs": .array([]),
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
    func event(_ type: String, _ fields: [String: JSONValue]) -> [String: JSONValue] {
      defer { number += 1 }
      var object = fields
      (object["type"], object["sequence_number"]) = (.string(type), .integer(number))
      return object
    }
    let place: [String: JSONValue] = [
      "item_id": .string(item), "output_index": 0, "content_index": 0,
    ]
    func at(_ more: [String: JSONValue]) -> [String: JSONValue] { place.merging(more) { $1 } }
    let begun = object(nil)
    var empty = message("", "in_progress").object ?? [:]
    empty["content"] = .array([])
    for object in [
      event("response.created", ["response": begun]),
      event("response.in_progress", ["response": begun]),
      event("response.output_item.added", ["output_index": 0, "item": .object(empty)]),
      event("response.content_part.added", at(["part": Self.part("")])),
    ] { try await writer.send(typed: object) }
    var answer = TextAnswer(count: 1)
    for try await piece in events {
      answer.take(0, piece)
      guard case .text(let text) = piece, !text.isEmpty else { continue }
      try await writer.send(
        typed: event(
          "response.output_text.delta", at(["delta": .string(text), "logprobs": .array([])])))
    }
    guard let choice = answer.choices.first, let result = choice.result else {
      throw CancellationError()
    }
    let status = result.ending == .length ? "incomplete" : "completed"
    for object in [
      event(
        "response.output_text.done", at(["text": .string(choice.text), "logprobs": .array([])])),
      event("response.content_part.done", at(["part": Self.part(choice.text)])),
      event(
        "response.output_item.done", ["output_index": 0, "item": message(choice.text, status)]),
      event("response.\(status)", ["response": object(answer)]),
    ] { try await writer.send(typed: object) }
  }
}
