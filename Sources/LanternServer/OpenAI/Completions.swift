import Hummingbird
import Lantern
import LanternFormats

/// OpenAI's completions of a text.
extension Service {
  func addCompletions(_ router: Router<Context>) {
    router.post("/v1/completions") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      return try await self.completions(fields, request)
    }
  }

  private func completions(_ fields: RequestFields, _ call: Request) async throws -> Response {
    let model = try await shelf.language(fields.string("model"))
    guard let prompts = try fields.strings("prompt"), !prompts.isEmpty else {
      throw ServerError.field(name: "prompt", reason: "give a text, or a list of texts")
    }
    guard try fields.string("suffix")?.isEmpty != false else {
      throw ServerError.unsupported(
        name: "suffix", remedy: "leave it out: texts are written to their end")
    }
    let echoes = try fields.bool("echo") ?? false
    let count = try fields.integer("n", in: 1...64) ?? 1
    let isStreamed = try fields.bool("stream") ?? false
    let likeliest = try fields.integer("logprobs", in: 0...20)
    let tellsUsage = try fields.tellsUsage() && isStreamed
    if !isStreamed { fields.leave("stream_options") }
    fields.pass(idle: ["best_of": [.integer(count)]])
    var request = try fields.languageRequest(limits: ["max_tokens"], standard: 16)
    request.logProbabilities = likeliest.map { max(1, $0) } ?? 0
    let texts = prompts.flatMap { prompt in
      (0..<count).map { index in
        var one = request
        (one.prompt, one.seed) = (prompt, request.seed &+ UInt64(index))
        return model.text(one)
      }
    }
    let head: [String: JSONValue] = [
      "id": .string(newName("cmpl-")), "object": "text_completion", "created": .integer(unixTime),
      "model": .string(model.name),
    ]
    if isStreamed {
      let stream = CompletionStream(
        head: head, likeliest: likeliest, notes: fields.notes,
        echoes: echoes ? prompts.flatMap { Array(repeating: $0, count: count) } : [],
        usageOfPrompts: tellsUsage ? prompts.count : nil)
      return EventWriter.response(.events, errors: .openAI) { try await stream.write(texts, &$0) }
    }
    let answer = try await whileListening(call) { try await TextAnswer.gathered(texts) }
    var body = head
    body["choices"] = .array(
      answer.choices.enumerated().map { index, choice in
        .object([
          "index": .integer(index),
          "text": .string((echoes ? prompts[index / count] : "") + choice.text),
          "finish_reason": choice.result?.ending.openAI ?? "stop",
          "logprobs": likeliest.map { Self.probabilities(choice.tokens, $0) } ?? .null,
        ])
      })
    body["usage"] = answer.usage(prompts: prompts.count)
    body["notes"] = answer.notes(fields)
    return Response(json: .object(body), closes: true)
  }

  /// Log-probabilities in the form of completions: lists of one length.
  ///
  /// - Parameters:
  ///   - tokens: the tokens.
  ///   - count: how many of the likeliest are listed at each.
  ///   - start: where the first stands in the text.
  /// - Returns: an object.
  fileprivate static func probabilities(
    _ tokens: [LanguageToken], _ count: Int, from start: Int = 0
  ) -> JSONValue {
    func text(_ choice: LanguageToken.Choice) -> String {
      String(decoding: choice.bytes, as: UTF8.self)
    }
    var offset = start
    let offsets = tokens.map { token in
      defer { offset += text(token.choice).unicodeScalars.count }
      return JSONValue.integer(offset)
    }
    return .object([
      "tokens": .array(tokens.map { .string(text($0.choice)) }),
      "token_logprobs": .array(tokens.map { .number(Double($0.choice.logProbability)) }),
      "top_logprobs": .array(
        tokens.map { token in
          .object(
            Dictionary(
              token.likeliest.prefix(count).map { (text($0), .number(Double($0.logProbability))) },
              uniquingKeysWith: { first, _ in first }))
        }),
      "text_offset": .array(offsets),
    ])
  }
}

/// Completions in chunks.
private struct CompletionStream {
  let head: [String: JSONValue]
  let likeliest: Int?
  /// What is told with the first chunk.
  let notes: [String]
  /// What each text begins with.
  let echoes: [String]
  /// How many prompts there are, where the count of tokens is told at the end.
  let usageOfPrompts: Int?

  func write(_ texts: [AsyncThrowingStream<LanguageEvent, any Error>], _ writer: inout EventWriter)
    async throws
  {
    if !notes.isEmpty {
      var first = head
      (first["choices"], first["notes"]) = (.array([]), .array(notes.map(JSONValue.string)))
      try await writer.send(.object(first))
    }
    for (number, text) in echoes.enumerated() {
      try await writer.send(chunk(number, text))
    }
    var answer = TextAnswer(count: texts.count)
    for try await (number, event) in merged(texts) {
      // The text of a token may come later, with those that complete a character.
      let offset = answer.choices[number].tokens.reduce(0) {
        $0 + String(decoding: $1.choice.bytes, as: UTF8.self).unicodeScalars.count
      }
      answer.take(number, event)
      switch event {
      case .text(let piece): if !piece.isEmpty { try await writer.send(chunk(number, piece)) }
      case .token(let token):
        guard let likeliest else { continue }
        let logs = Service.probabilities([token], likeliest, from: offset)
        try await writer.send(chunk(number, "", logs))
      case .finished(let result):
        var last = chunk(number, "", ending: result.ending.openAI).object ?? [:]
        last["result"] = result.json
        if !result.notes.isEmpty { last["notes"] = .array(result.notes.map(JSONValue.string)) }
        try await writer.send(.object(last))
      }
    }
    if let usageOfPrompts {
      var last = head
      (last["choices"], last["usage"]) = (.array([]), answer.usage(prompts: usageOfPrompts))
      try await writer.send(.object(last))
    }
    try await writer.send("[DONE]")
  }

  private func chunk(
    _ number: Int, _ text: String, _ logs: JSONValue = .null, ending: JSONValue = .null
  ) -> JSONValue {
    var chunk = head
    chunk["choices"] = .array([
      .object([
        "index": .integer(number), "text": .string(text), "finish_reason": ending,
        "logprobs": logs,
      ])
    ])
    return .object(chunk)
  }
}
