import Hummingbird
import Lantern
import LanternFormats

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
    try fields.refuseTools()
    let likeliest = try fields.integer("top_logprobs", in: 0...20) ?? 0
    let hasProbabilities = try fields.bool("logprobs") ?? false
    let count = try fields.integer("n", in: 1...64) ?? 1
    let isStreamed = try fields.bool("stream") ?? false
    let tellsUsage = isStreamed ? try fields.tellsUsage() : false
    var request = try fields.languageRequest(
      limits: ["max_completion_tokens", "max_tokens"], standard: 1024)
    request.logProbabilities = hasProbabilities ? max(1, likeliest) : 0
    let texts = try (0..<count).map { index in
      var one = request
      one.seed = request.seed &+ UInt64(index)
      return try model.answer(messages, one)
    }
    let head: [String: JSONValue] = [
      "id": .string(newName("chatcmpl-")), "created": .integer(unixTime),
      "model": .string(model.name),
    ]
    if isStreamed {
      let stream = ChatStream(
        head: head, likeliest: likeliest, tellsUsage: tellsUsage, notes: fields.notes)
      return EventWriter.response(.events, errors: .openAI) { try await stream.write(texts, &$0) }
    }
    let answer = try await whileListening(call) { try await TextAnswer.gathered(texts) }
    var body = head
    body["object"] = "chat.completion"
    body["choices"] = .array(
      answer.choices.enumerated().map { index, choice in
        .object([
          "index": .integer(index),
          "message": .object([
            "role": "assistant", "content": .string(choice.text), "refusal": .null,
          ]),
          "finish_reason": choice.result?.ending.openAI ?? "stop",
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

  func write(_ texts: [AsyncThrowingStream<LanguageEvent, any Error>], _ writer: inout EventWriter)
    async throws
  {
    for index in texts.indices {
      try await writer.send(
        chunk(index, ["role": "assistant", "content": ""], notes: index == 0 ? notes : []))
    }
    var answer = TextAnswer(count: texts.count)
    for try await (number, event) in merged(texts) {
      answer.take(number, event)
      switch event {
      case .text(let piece):
        if !piece.isEmpty { try await writer.send(chunk(number, ["content": .string(piece)])) }
      case .token(let token):
        try await writer.send(chunk(number, [:], tokens: [token]))
      case .finished(let result):
        try await writer.send(chunk(number, [:], ending: result.ending, notes: result.notes))
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

  private func chunk(
    _ index: Int, _ delta: [String: JSONValue], tokens: [LanguageToken] = [],
    ending: LanguageResult.Ending? = nil, notes: [String] = []
  ) -> JSONValue {
    var chunk = head
    if !notes.isEmpty { chunk["notes"] = .array(notes.map(JSONValue.string)) }
    chunk["object"] = "chat.completion.chunk"
    chunk["choices"] = .array([
      .object([
        "index": .integer(index), "delta": .object(delta), "finish_reason": ending?.openAI ?? .null,
        "logprobs": tokens.isEmpty
          ? .null : .object(["content": .array(tokens.map { $0.json(likeliest: likeliest) })]),
      ])
    ])
    return .object(chunk)
  }
}
