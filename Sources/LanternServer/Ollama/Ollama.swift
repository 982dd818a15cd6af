import Hummingbird
import Lantern
import LanternFormats
import LanternPlatform
import LanternTokenizers

/// Ollama's API, as its clients use it.
extension Service {
  func addOllama(_ router: Router<Context>) {
    let api = router.group("/api")
    api.get("version") { _, _ in
      Response(json: .object(["version": .string(LanternVersion.number)]))
    }
    api.get("tags") { _, _ in
      let models = await self.shelf.entries.filter { [.language, .embedding].contains($0.kind) }
      return Response(json: .object(["models": .array(models.map(Self.ollamaModel))]))
    }
    api.get("ps") { _, _ in
      let models = await self.shelf.entries.filter { $0.kind == .language && $0.isLoaded }
      return Response(json: .object(["models": .array(models.map(Self.ollamaModel))]))
    }
    api.post("show") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      let name = try fields.string("model") ?? fields.string("name")
      let model = try await self.shelf.language(name)
      return Response(
        json: .object([
          "modelfile": "", "parameters": "", "template": "", "license": "",
          "details": Self.details,
          "capabilities": .array(["completion"] + (model.toolCallForm == nil ? [] : ["tools"])),
          "model_info": .object([
            "general.architecture": "lantern",
            "lantern.context_length": .integer(model.contextLength),
          ]),
        ]))
    }
    api.post("generate") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      return try await self.ollamaText(fields, request, isChat: false)
    }
    api.post("chat") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      return try await self.ollamaText(fields, request, isChat: true)
    }
    api.post("embed") { request, _ in
      var request = request
      let fields = try await self.fields(&request)
      return try await self.ollamaVectors(fields)
    }
  }

  private static var details: JSONValue {
    .object([
      "format": "gguf", "family": "lantern", "families": .array(["lantern"]), "parameter_size": "",
      "quantization_level": "", "parent_model": "",
    ])
  }

  private static func ollamaModel(_ entry: ModelShelf.Entry) -> JSONValue {
    .object([
      "name": .string(entry.name), "model": .string(entry.name),
      "modified_at": "1970-01-01T00:00:00Z", "size": .integer(entry.byteCount), "digest": "",
      "details": details,
    ])
  }

  private func ollamaText(_ fields: RequestFields, _ call: Request, isChat: Bool) async throws
    -> Response
  {
    let model = try await shelf.language(fields.string("model"))
    let isStreamed = try fields.bool("stream") ?? true
    let offer = isChat ? try ToolOffer(fields) : ToolOffer()
    fields.pass(idle: [
      "think": [false], "context": [.array([])], "template": [""], "truncate": [true],
      "suffix": [""], "logprobs": [false], "top_logprobs": [0],
    ])
    let options = try fields.object("options") ?? RequestFields(.object([:]))
    var request = try options.languageRequest(limits: ["num_predict"], standard: 1024)
    switch fields.value("format") {
    case nil, .string(""): break
    case .string("json"): request.schema = #"{"type": "object"}"#
    case let schema?: request.schema = JSON.write(schema, keepsOrder: true)
    }
    let isRaw = try fields.bool("raw") ?? false
    let text: AsyncThrowingStream<LanguageEvent, any Error>
    if isChat {
      text = try model.answer(fields.messages(), request, offering: offer)
    } else {
      let prompt = try fields.string("prompt") ?? ""
      let system = try fields.string("system")
      guard try fields.strings("images")?.isEmpty != false else {
        throw ServerError.unsupported(
          name: "images", remedy: "the language models here read text alone")
      }
      if isRaw {
        request.prompt = prompt
        text = model.text(request)
      } else {
        let before = system.map { [ChatMessage(.system, $0)] } ?? []
        text = try model.answer(
          before + [ChatMessage(.user, prompt)], request, offering: offer)
      }
    }
    let answer = OllamaAnswer(
      model: model.name, isChat: isChat, start: .now, notes: fields.notes)
    return try await send(
      text, AnswerReader(offer, model), as: answer, isStreamed: isStreamed, call)
  }

  /// Sends a text as Ollama does: line by line, or at once.
  private func send(
    _ text: AsyncThrowingStream<LanguageEvent, any Error>, _ reader: AnswerReader,
    as answer: OllamaAnswer, isStreamed: Bool, _ call: Request
  ) async throws -> Response {
    if isStreamed {
      return EventWriter.response(.lines, errors: .ollama) { writer in
        var reader = reader
        for try await event in text {
          switch event {
          case .text(let text):
            for piece in reader.add(text) { try await writer.line(answer.line(piece)) }
          case .finished(let result):
            for piece in reader.finish() { try await writer.line(answer.line(piece)) }
            try await writer.line(answer.end("", result))
          case .token: break
          }
        }
      }
    }
    let gathered = try await whileListening(call) { try await TextAnswer.gathered([text]) }
    guard let choice = gathered.choices.first, let result = choice.result else {
      throw CancellationError()
    }
    let (words, calls) = reader.divided(choice.text)
    return Response(json: answer.end(words, calls: calls, result), closes: true)
  }

  private func ollamaVectors(_ fields: RequestFields) async throws -> Response {
    let name = try fields.string("model")
    let texts = try fields.strings("input") ?? []
    let embedder = try await shelf.embedding(name)
    let vectors = try await ComputeQueue.run { _ in try embedder.vectors(of: texts) }
    fields.pass(idle: ["truncate": [true], "options": [.object([:])]])
    return Response(
      json: .object([
        "notes": .array(fields.notes.map(JSONValue.string)),
        "model": name.map(JSONValue.string) ?? .null,
        "embeddings": .array(
          vectors.map { .array($0.values.map { .number(Double($0)) }) }),
        "prompt_eval_count": .integer(vectors.reduce(0) { $0 + $1.tokens }),
      ]))
  }
}

/// Pieces of an answer in Ollama's form.
private struct OllamaAnswer {
  let model: String
  let isChat: Bool
  let start: ContinuousClock.Instant
  let notes: [String]

  func line(_ piece: ToolCallReader.Piece) -> JSONValue {
    switch piece {
    case .text(let text): .object(object(text, isDone: false))
    case .call(let call): .object(object("", calls: [call], isDone: false))
    }
  }

  func end(_ text: String, calls: [ToolCall] = [], _ result: LanguageResult) -> JSONValue {
    var object = object(text, calls: calls, isDone: true)
    let passed = JSONValue.integer(Int((ContinuousClock.now - start) / .nanoseconds(1)))
    object["done_reason"] = result.ending.openAI
    object["total_duration"] = passed
    object["load_duration"] = 0
    object["prompt_eval_count"] = .integer(result.promptTokens)
    object["prompt_eval_duration"] = 0
    object["eval_count"] = .integer(result.tokens)
    object["eval_duration"] = passed
    let notes = notes + result.notes
    if !notes.isEmpty { object["notes"] = .array(notes.map(JSONValue.string)) }
    return .object(object)
  }

  private func object(_ text: String, calls: [ToolCall] = [], isDone: Bool) -> [String: JSONValue] {
    var object: [String: JSONValue] = [
      "model": .string(model), "created_at": .string(Timestamp.now), "done": .bool(isDone),
    ]
    if isChat {
      var message: [String: JSONValue] = ["role": "assistant", "content": .string(text)]
      if !calls.isEmpty {
        message["tool_calls"] = .array(
          calls.map {
            .object(["function": .object(["name": .string($0.name), "arguments": $0.arguments])])
          })
      }
      object["message"] = .object(message)
    } else {
      object["response"] = .string(text)
    }
    return object
  }
}
