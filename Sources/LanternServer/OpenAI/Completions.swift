import Hummingbird
import Lantern
import LanternFormats

/// OpenAI's completions of a text.
extension Service {
  func addCompletions(_ router: Router<Context>) {
    router.post("/v1/completions") { request, _ in
      var request = request
      var fields = try await self.fields(&request)
      return try await self.completions(&fields, request)
    }
  }

  private func completions(_ fields: inout RequestFields, _ call: Request) async throws -> Response
  {
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
    fields.pass("best_of")
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
    if isStreamed { return Self.streamed(texts, head) }
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

  /// The answer in chunks.
  private static func streamed(
    _ texts: [AsyncThrowingStream<LanguageEvent, any Error>], _ head: [String: JSONValue]
  ) -> Response {
    EventWriter.response(.events, errors: .openAI) { writer in
      for try await (number, event) in merged(texts) {
        var (piece, ending) = ("", JSONValue.null)
        switch event {
        case .text(let text): piece = text
        case .finished(let result): ending = result.ending.openAI
        case .token: continue
        }
        guard !piece.isEmpty || ending != .null else { continue }
        var chunk = head
        chunk["choices"] = .array([
          .object([
            "index": .integer(number), "text": .string(piece), "finish_reason": ending,
            "logprobs": .null,
          ])
        ])
        try await writer.send(.object(chunk))
      }
      try await writer.send("[DONE]")
    }
  }

  /// Log-probabilities in the form of completions: lists of one length.
  private static func probabilities(_ tokens: [LanguageToken], _ count: Int) -> JSONValue {
    func text(_ choice: LanguageToken.Choice) -> String {
      String(decoding: choice.bytes, as: UTF8.self)
    }
    var offset = 0
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
