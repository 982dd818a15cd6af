import Lantern
import LanternFormats
import LanternServer
import LanternTokenizers
import TestSupport
import Testing

/// Texts over HTTP are those that the library writes.
@Suite struct LanguageEndpointTests {
  private static let question: JSONValue = .array([.object(["role": "user", "content": "fox"])])

  private static func request(_ seed: UInt64) -> LanguageRequest {
    var request = LanguageRequest(prompt: "the fox")
    (request.seed, request.maximumTokens) = (seed, 8)
    return request
  }

  @Test("a completion is the text of its seed, alone, beside others and streamed")
  func completions() async throws {
    let generator = try LanguageGenerator(
      path: fixture("language_folders/llama"), precision: .exact)
    let expected = try await [5, 6, 7].asyncMap { try await generator.text(Self.request($0)) }
    try await RunningServer.with { server in
      let body: [String: JSONValue] = [
        "model": "writer", "prompt": "the fox", "max_tokens": 8, "seed": 5, "n": 3,
      ]
      let whole = try await server.post("/v1/completions", .object(body))
      #expect(whole.status == 200, "\(whole.text)")
      for (index, text) in expected.enumerated() {
        #expect(whole["choices", "\(index)", "text"]?.string == text.text)
      }
      #expect(whole["usage", "prompt_tokens"]?.integer == expected[0].promptTokens)
      #expect(
        whole["usage", "completion_tokens"]?.integer == expected.reduce(0) { $0 + $1.tokens })
      var streamed = body
      streamed["stream"] = true
      let events = try await server.post("/v1/completions", .object(streamed))
      var texts = ["", "", ""]
      for event in events.events {
        let choice = event.object?["choices"]?.array?.first?.object
        texts[choice?["index"]?.integer ?? 0] += choice?["text"]?.string ?? ""
      }
      #expect(texts == expected.map(\.text))
      #expect(events.text.hasSuffix("data: [DONE]\n\n"))
    }
  }

  @Test("many callers at once get what each gets alone")
  func atOnce() async throws {
    let generator = try LanguageGenerator(
      path: fixture("language_folders/llama"), precision: .exact)
    try await RunningServer.with({ $0.slots = 3 }) { server in
      try await withThrowingTaskGroup(of: (UInt64, String?).self) { group in
        for seed in 0..<12 as Range<UInt64> {
          group.addTask {
            let answer = try await server.post(
              "/v1/completions",
              .object([
                "model": "writer", "prompt": "the fox", "max_tokens": 8, "seed": JSONValue(seed),
              ]))
            return (seed, answer["choices", "0", "text"]?.string)
          }
        }
        for try await (seed, text) in group {
          #expect(try await generator.text(Self.request(seed)).text == text)
        }
      }
    }
  }

  @Test("an answer is that of a conversation, whole, streamed, and as Ollama has it")
  func chat() async throws {
    let generator = try LanguageGenerator(
      path: fixture("language_folders/llama"), precision: .exact)
    var conversation = try LanguageConversation(
      generator, template: (RunningServer.template, "test"))
    var request = LanguageRequest(prompt: "")
    (request.maximumTokens, request.temperature) = (6, 0)
    let expected = try conversation.answer("fox", request) { _ in }
    try await RunningServer.with { server in
      let body: [String: JSONValue] = [
        "model": "writer", "messages": Self.question, "max_tokens": 6, "temperature": 0,
      ]
      let whole = try await server.post("/v1/chat/completions", .object(body))
      #expect(whole["choices", "0", "message", "content"]?.string == expected.text, "\(whole.text)")
      #expect(whole["choices", "0", "finish_reason"] == "length")
      #expect(whole["usage", "prompt_tokens"]?.integer == expected.promptTokens)

      var streamed = body
      (streamed["stream"], streamed["stream_options"]) = (true, .object(["include_usage": true]))
      let events = try await server.post("/v1/chat/completions", .object(streamed)).events
      let pieces = events.compactMap {
        $0.object?["choices"]?.array?.first?.object?["delta"]?.object?["content"]?.string
      }
      #expect(pieces.joined() == expected.text)
      #expect(events.last?.object?["usage"]?.object?["completion_tokens"]?.integer == 6)

      let ollama = try await server.post(
        "/api/chat",
        .object([
          "model": "writer:latest", "messages": Self.question, "stream": false,
          "options": .object(["num_predict": 6, "temperature": 0]),
        ]))
      #expect(ollama["message", "content"]?.string == expected.text, "\(ollama.text)")
      let lines = try await server.post(
        "/api/generate",
        .object([
          "model": "writer", "prompt": "fox",
          "options": .object(["num_predict": 6, "temperature": 0]),
        ]))
      let objects = try lines.text.split(separator: "\n").map {
        try JSON.parse(text: String($0), file: "a line").object ?? [:]
      }
      #expect(objects.compactMap { $0["response"]?.string }.joined() == expected.text)
      #expect(objects.last?["done"] == true && objects.first?["done"] == false)
    }
  }

  @Test("a response format holds the answer, and log-probabilities come with it")
  func forms() async throws {
    try await RunningServer.with { server in
      let schema: JSONValue = .object(["enum": .array(["one", "two"])])
      let answer = try await server.post(
        "/v1/chat/completions",
        .object([
          "messages": Self.question, "max_tokens": 12, "logprobs": true, "top_logprobs": 2,
          "response_format": .object([
            "type": "json_schema", "json_schema": .object(["name": "n", "schema": schema]),
          ]),
        ]))
      let text = answer["choices", "0", "message", "content"]?.string ?? ""
      #expect(["\"one\"", "\"two\""].contains(text), "\(answer.text)")
      let tokens = answer["choices", "0", "logprobs", "content"]?.array ?? []
      #expect(!tokens.isEmpty)
      #expect(tokens.allSatisfy { $0.object?["top_logprobs"]?.array?.count == 2 })
    }
  }

  @Test("vectors are the embedder's, as numbers and as base64")
  func vectors() async throws {
    let embedder = try TextEmbedder(path: fixture("sentence_folders/bert"), precision: .exact)
    let expected = try embedder.vectors(of: ["a fox", "the key"]).map(\.values)
    try await RunningServer.with { server in
      let body: [String: JSONValue] = ["model": "encoder", "input": .array(["a fox", "the key"])]
      let plain = try await server.post("/v1/embeddings", .object(body))
      for (index, values) in expected.enumerated() {
        let found = plain["data", "\(index)", "embedding"]?.array?.compactMap(\.double)
        #expect(found?.map { Float($0) } == values, "\(plain.text)")
      }
      var packed = body
      packed["encoding_format"] = "base64"
      let text = try await server.post("/v1/embeddings", .object(packed))
      let bytes = text["data", "1", "embedding"]?.string.flatMap { Base64.decode($0.utf8) } ?? []
      let numbers = stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) })
      }
      #expect(numbers == expected[1])
    }
  }

  @Test("a response is the answer of a chat, whole and as events")
  func responses() async throws {
    try await RunningServer.with { server in
      let chat = try await server.post(
        "/v1/chat/completions",
        .object(["messages": Self.question, "seed": 5, "max_tokens": 8]))
      let expected = try #require(chat["choices", "0", "message", "content"]?.string)
      for input in ["fox", Self.question] as [JSONValue] {
        let answer = try await server.post(
          "/v1/responses", .object(["input": input, "seed": 5, "max_output_tokens": 8]))
        #expect(answer["output", "0", "content", "0", "text"]?.string == expected, "\(answer.text)")
        #expect(answer["status"] == "incomplete" || answer["status"] == "completed")
        #expect(answer["usage", "input_tokens"] == chat["usage", "prompt_tokens"])
      }
      let events = try await server.post(
        "/v1/responses",
        .object(["input": "fox", "seed": 5, "max_output_tokens": 8, "stream": true])
      ).events.compactMap(\.object)
      let deltas = events.filter { $0["type"] == "response.output_text.delta" }
      #expect(deltas.compactMap { $0["delta"]?.string }.joined() == expected)
      #expect(events.map { $0["sequence_number"]?.integer } == Array(0..<events.count))
      #expect(events.first?["type"] == "response.created")
      let stored = try await server.post(
        "/v1/responses", .object(["input": "fox", "previous_response_id": "x"]))
      #expect(stored.status == 400 && stored["error", "param"] == "previous_response_id")
    }
  }

  @Test("fields without an effect are noted, within objects and in streams too")
  func notes() async throws {
    try await RunningServer.with { server in
      let idle: [String: JSONValue] = [
        "messages": .array([.object(["role": "user", "content": "fox", "name": "me"])]),
        "max_tokens": 2, "service_tier": "flex", "store": false, "metadata": .object([:]),
        "stream": true, "stream_options": .object(["include_usage": true, "chunk": 3]),
      ]
      let note: JSONValue = .array([
        "without effect: messages[0].name, service_tier, stream_options.chunk"
      ])
      let chat = try await server.post("/v1/chat/completions", .object(idle))
      #expect(chat.events.first?.object?["notes"] == note, "\(chat.text)")
      let ollama = try await server.post(
        "/api/generate",
        .object([
          "prompt": "fox", "options": .object(["num_predict": 2, "num_gpu": 4]), "keep_alive": 5,
        ]))
      let last = try #require(ollama.text.split(separator: "\n").last)
      let object = try JSON.parse(text: String(last), file: "the last line").object
      #expect(object?["notes"] == .array(["without effect: keep_alive, options.num_gpu"]))
      let picture = try await server.post(
        "/v1/images/generations",
        .object([
          "prompt": "a fox", "steps": 1, "quality": "high", "partial_images": 2, "style": "vivid",
          "background": "auto",
        ]))
      #expect(
        picture["notes", "0"]?.string == "without effect: partial_images, quality, style",
        "\(picture["notes"] ?? .null)")
    }
  }
}

extension Array where Element: Sendable {
  fileprivate func asyncMap<Value>(_ convert: (Element) async throws -> Value) async rethrows
    -> [Value]
  {
    var values: [Value] = []
    for element in self { values.append(try await convert(element)) }
    return values
  }
}
