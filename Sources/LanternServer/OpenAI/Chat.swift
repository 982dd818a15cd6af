import Hummingbird
import Lantern
import LanternFormats
import LanternTokenizers

/// OpenAI's chat completions.
extension Service {
  func addChat(_ router: Router<Context>) {
    router.post("/v1/chat/completions") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      return try await self.chat(fields, request)
    }
  }

  private func chat(_ fields: RequestFields, _ call: Request) async throws -> Response {
    let model = try await shelf.language(fields.string("model"))
    let messages = try fields.messages()
    let offer = try ToolOffer(fields)
    let likeliest = try fields.integer("top_logprobs", in: 0...20) ?? 0
    let hasProbabilities = try fields.bool("logprobs") ?? false
    let count = try fields.integer("n", in: 1...64) ?? 1
    let isStreamed = try fields.bool("stream") ?? false
    let tellsUsage = try fields.tellsUsage() && isStreamed
    if !isStreamed { fields.leave("stream_options") }
    var request = try fields.languageRequest(
      limits: ["max_completion_tokens", "max_tokens"], standard: 1024)
    request.logProbabilities = hasProbabilities ? max(1, likeliest) : 0
    let texts = try (0..<count).map { index in
      var one = request
      one.seed = request.seed &+ UInt64(index)
      return try model.answer(messages, one, offering: offer)
    }
    let reader = AnswerReader(offer, model)
    let head: [String: JSONValue] = [
      "id": .string(newName("chatcmpl-")), "created": .integer(unixTime),
      "model": .string(model.name),
    ]
    if isStreamed {
      let stream = ChatStream(
        head: head, likeliest: likeliest, tellsUsage: tellsUsage, notes: fields.notes,
        reader: reader)
      return EventWriter.response(.events, errors: .openAI) { try await stream.write(texts, &$0) }
    }
    let answer = try await whileListening(call) { try await TextAnswer.gathered(texts) }
    var body = head
    body["object"] = "chat.completion"
    body["choices"] = .array(
      answer.choices.enumerated().map { index, choice in
        let (text, calls) = reader.divided(choice.text)
        var message: [String: JSONValue] = [
          "role": "assistant", "refusal": .null,
          "content": text.isEmpty && !calls.isEmpty ? .null : .string(text),
        ]
        if !calls.isEmpty { message["tool_calls"] = .array(calls.map { .object($0.json) }) }
        return .object([
          "index": .integer(index), "message": .object(message),
          "finish_reason": calls.isEmpty ? choice.result?.ending.openAI ?? "stop" : "tool_calls",
          "logprobs": hasProbabilities
            ? .object(["content": .array(choice.tokens.map { $0.json(likeliest: likeliest) })])
            : .null,
        ])
      })
    body["usage"] = answer.usage()
    body["notes"] = answer.notes(fields)
    return Response(json: .object(body), closes: true)
  }
}

/// A chat completion in chunks.
private struct ChatStream {
  let head: [String: JSONValue]
  let likeliest: Int
  let tellsUsage: Bool
  /// What is told with the first chunk.
  let notes: [String]
  /// Divides each text.
  let reader: AnswerReader

  func write(_ texts: [AsyncThrowingStream<LanguageEvent, any Error>], _ writer: inout EventWriter)
    async throws
  {
    for index in texts.indices {
      try await writer.send(
        chunk(index, ["role": "assistant", "content": ""], notes: index == 0 ? notes : []))
    }
    var answer = TextAnswer(count: texts.count)
    var readers = texts.map { _ in reader }
    for try await (number, event) in merged(texts) {
      answer.take(number, event)
      switch event {
      case .text(let text):
        for delta in Self.deltas(readers[number].add(text), readers[number]) {
          try await writer.send(chunk(number, delta))
        }
      case .token(let token):
        try await writer.send(chunk(number, [:], tokens: [token]))
      case .finished(let result):
        for delta in Self.deltas(readers[number].finish(), readers[number]) {
          try await writer.send(chunk(number, delta))
        }
        let ending = readers[number].calls.isEmpty ? result.ending.openAI : "tool_calls"
        try await writer.send(
          chunk(number, [:], ending: ending, notes: result.notes, result: result.json))
      }
    }
    if tellsUsage {
      var last = head
      last["object"] = "chat.completion.chunk"
      last["choices"] = .array([])
      last["usage"] = answer.usage()
      try await writer.send(.object(last))
    }
    try await writer.send("[DONE]")
  }

  /// What pieces add to a message: of a call first its name, then its arguments.
  private static func deltas(_ pieces: [ToolCallReader.Piece], _ reader: AnswerReader)
    -> [[String: JSONValue]]
  {
    let newCalls = pieces.count { if case .call = $0 { true } else { false } }
    var index = reader.calls.count - newCalls
    return pieces.flatMap { piece -> [[String: JSONValue]] in
      switch piece {
      case .text(let text): return [["content": .string(text)]]
      case .call(let call):
        defer { index += 1 }
        var begin = call.json
        begin["index"] = .integer(index)
        begin["function"] = .object(["name": .string(call.name), "arguments": ""])
        let rest: JSONValue = .object([
          "index": .integer(index),
          "function": .object(["arguments": .string(call.argumentText)]),
        ])
        return [["tool_calls": .array([.object(begin)])], ["tool_calls": .array([rest])]]
      }
    }
  }

  private func chunk(
    _ index: Int, _ delta: [String: JSONValue], tokens: [LanguageToken] = [],
    ending: JSONValue = .null, notes: [String] = [], result: JSONValue? = nil
  ) -> JSONValue {
    var chunk = head
    chunk["result"] = result
    if !notes.isEmpty { chunk["notes"] = .array(notes.map(JSONValue.string)) }
    chunk["object"] = "chat.completion.chunk"
    chunk["choices"] = .array([
      .object([
        "index": .integer(index), "delta": .object(delta), "finish_reason": ending,
        "logprobs": tokens.isEmpty
          ? .null : .object(["content": .array(tokens.map { $0.json(likeliest: likeliest) })]),
      ])
    ])
    return .object(chunk)
  }
}
