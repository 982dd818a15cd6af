import Foundation
import Lantern
import LanternFormats
import LanternServer
import NIOHTTP1
import TestSupport
import Testing

/// Chats that call tools, with a small random model that is held to calls.
@Suite struct ToolEndpointTests {
  private static let weather: JSONValue = .object(ordered: [
    ("type", "function"),
    (
      "function",
      .object(ordered: [
        ("name", "weather"), ("description", "Rain?"),
        (
          "parameters",
          .object(ordered: [
            ("type", "object"),
            (
              "properties",
              .object(ordered: [
                ("town", .object(["$ref": "#/$defs/town"])),
                ("day", .object(["enum": .array([1, 2])])),
              ])
            ), ("required", .array(["town", "day"])),
            ("$defs", .object(["town": .object(["enum": .array(["Rome", "Oslo"])])])),
          ])
        ),
      ])
    ),
  ])
  private static let now: JSONValue = .object([
    "type": "function", "function": .object(["name": "now"]),
  ])
  private static let question: JSONValue = .array([.object(["role": "user", "content": "Rain?"])])

  private static func body(_ more: [String: JSONValue] = [:]) -> JSONValue {
    let body: [String: JSONValue] = [
      "model": "caller", "messages": question, "tools": .array([weather, now]), "max_tokens": 200,
      "seed": 3, "tool_choice": "required", "parallel_tool_calls": false,
    ]
    return .object(body.merging(more) { $1 })
  }

  /// Runs `body` with a server whose model `caller` has a template with tools, and room for them.
  private static func withCaller(
    _ form: String = "tags", _ body: @escaping (RunningServer, [String]) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { (folder: String) async throws in
      let caller = folder + "/caller"
      try FileManager.default.copyItem(atPath: fixture("language_folders/llama"), toPath: caller)
      let config = try String(contentsOfFile: caller + "/config.json", encoding: .utf8)
      try config.replacing(
        "\"max_position_embeddings\": 64", with: "\"max_position_embeddings\": 4096"
      )
      .write(toFile: caller + "/config.json", atomically: true, encoding: .utf8)
      let all = try JSON.read(fixture("chat_tools.json")).object?["templates"]?.array ?? []
      let row = try #require(all.compactMap(\.object).first { $0["form"]?.string == form })
      try #require(row["source"]?.string).write(
        toFile: caller + "/chat_template.jinja", atomically: true, encoding: .utf8)
      let texts = (row["texts"]?.array ?? []).compactMap(\.string)
      try await RunningServer.with({ $0.models.append(("caller", caller)) }) {
        try await body($0, texts)
      }
    }
  }

  /// Checks a call of one of the tools above.
  private static func check(_ name: JSONValue?, _ arguments: JSONValue?) {
    switch name {
    case "weather":
      let object = arguments?.object ?? [:]
      #expect(["Rome", "Oslo"].contains(object["town"]) && [1, 2].contains(object["day"]))
      #expect(arguments?.members?.map(\.key) == ["town", "day"])
    case "now": #expect(arguments == .object([:]))
    default: Issue.record("\(name ?? .null) is no tool")
    }
  }

  private static func parsed(_ text: JSONValue?) throws -> JSONValue {
    try JSON.parse(text: try #require(text?.string), file: "arguments")
  }

  @Test(
    "a chat that must call a tool calls one in its model's form, whole and streamed",
    arguments: ["tags", "list", "object"])
  func required(form: String) async throws {
    try await Self.withCaller(form) { server, _ in
      let whole = try await server.post("/v1/chat/completions", Self.body())
      let call = whole["choices", "0", "message", "tool_calls", "0"]?.object
      let function = call?["function"]?.object
      #expect(whole["choices", "0", "finish_reason"] == "tool_calls", "\(whole.text)")
      #expect(whole["choices", "0", "message", "content"] == .null && call?["type"] == "function")
      Self.check(function?["name"], try Self.parsed(function?["arguments"]))

      let events = try await server.post("/v1/chat/completions", Self.body(["stream": true])).events
      let choices = events.compactMap { $0.object?["choices"]?.array?.first?.object }
      let deltas = choices.compactMap {
        $0["delta"]?.object?["tool_calls"]?.array?.first?.object
      }
      #expect(deltas.first?["id"]?.string?.isEmpty == false && deltas.first?["index"] == 0)
      let streamed = deltas.compactMap { $0["function"]?.object }
      #expect(streamed.first?["name"] == function?["name"])
      let text = streamed.compactMap { $0["arguments"]?.string }.joined()
      #expect(text == function?["arguments"]?.string)
      #expect(choices.last?["finish_reason"] == "tool_calls")
      #expect(choices.allSatisfy { ($0["delta"]?.object?["content"]?.string ?? "").isEmpty })
    }
  }

  @Test("a chosen tool is called, by another seed too; one that is not there is refused")
  func chosen() async throws {
    try await Self.withCaller { server, _ in
      for name in ["now", "weather"] {
        let choice: JSONValue = .object([
          "type": "function", "function": .object(["name": .string(name)]),
        ])
        for seed in [3, 4] as [JSONValue] {
          let answer = try await server.post(
            "/v1/chat/completions", Self.body(["tool_choice": choice, "seed": seed]))
          let function = answer["choices", "0", "message", "tool_calls", "0", "function"]?.object
          #expect(function?["name"]?.string == name, "\(answer.text)")
          Self.check(function?["name"], try Self.parsed(function?["arguments"]))
        }
      }
      for (fields, parameter) in [
        (["tool_choice": "often"], "tool_choice"),
        (
          ["tool_choice": .object(["type": "function", "function": .object(["name": "x"])])],
          "tool_choice"
        ),
        (["tools": .array([])], "tool_choice"), (["functions": .array([Self.now])], "functions"),
        (["tools": .array([.object(["type": "web_search"])])], "tools[0].type"),
        (
          ["tools": .array([.object(["type": "function", "function": .object([:])])])],
          "tools[0].function.name"
        ),
        (["response_format": .object(["type": "json_object"])], "tool_choice"),
      ] as [([String: JSONValue], JSONValue)] {
        let answer = try await server.post("/v1/chat/completions", Self.body(fields))
        #expect(answer.status == 400 && answer["error", "param"] == parameter, "\(answer.text)")
      }
    }
  }

  @Test("what the model reads of tools, calls and what they gave is what transformers writes")
  func prompts() async throws {
    try await Self.withCaller { server, texts in
      let root = try #require(try JSON.read(fixture("chat_tools.json")).object)
      for (talk, text) in zip(root["conversations"]?.array ?? [], texts) {
        // OpenAI's clients send arguments as text.
        let messages = (talk.array ?? []).map { message in
          .object(
            ordered: (message.members ?? []).map { key, value in
              guard key == "tool_calls", let call = value.array?.first?.object else {
                return (key, value)
              }
              let function = call["function"]?.object ?? [:]
              let arguments = JSON.write(function["arguments"] ?? .null, keepsOrder: true)
              return (
                key,
                .array([
                  .object(
                    call.merging([
                      "function": .object(
                        function.merging(["arguments": .string(arguments)]) { $1 })
                    ]) { $1 })
                ])
              )
            }) as JSONValue
        }
        let chat = JSON.write(
          .object([
            "model": "caller", "messages": .array(messages), "tools": root["tools"] ?? .null,
            "max_tokens": 1,
          ]), keepsOrder: true)
        let answer = try await server.call(
          .POST, "/v1/chat/completions", Array(chat.utf8), [("Content-Type", "application/json")])
        let plain = try await server.post(
          "/v1/completions",
          .object(["model": "caller", "prompt": .string(text), "max_tokens": 1]))
        #expect(
          answer["usage", "prompt_tokens"] == plain["usage", "prompt_tokens"], "\(answer.text)")
      }
      // Of none it is not told.
      let none = try await server.post(
        "/v1/chat/completions", Self.body(["tool_choice": "none", "max_tokens": 1]))
      let without = try await server.post(
        "/v1/chat/completions",
        .object(["model": "caller", "messages": Self.question, "max_tokens": 1]))
      #expect(none["usage", "prompt_tokens"] == without["usage", "prompt_tokens"], "\(none.text)")
    }
  }

  @Test("tools are refused where the model's template has none")
  func withoutTools() async throws {
    try await RunningServer.with { server in
      let answer = try await server.post("/v1/chat/completions", Self.body(["model": "writer"]))
      #expect(answer.status == 400 && answer["error", "param"] == "tools", "\(answer.text)")
      let wrong = try await server.post(
        "/v1/chat/completions",
        .object([
          "model": "writer",
          "messages": .array([
            .object([
              "role": "assistant",
              "tool_calls": .array([
                .object(["id": "a", "function": .object(["name": "f", "arguments": "[1]"])])
              ]),
            ])
          ]),
        ]))
      #expect(wrong["error", "param"] == "messages[0].tool_calls[0].function.arguments")
    }
  }

  @Test("Ollama's chats and responses call tools as chats do")
  func others() async throws {
    try await Self.withCaller { server, _ in
      let options: JSONValue = .object(["seed": 3, "num_predict": 200])
      let ollama = try await server.post(
        "/api/chat", Self.body(["stream": false, "options": options, "max_tokens": .null]))
      let call = ollama["message", "tool_calls", "0", "function"]?.object
      Self.check(call?["name"], call?["arguments"])
      let lines = try await server.post("/api/chat", Self.body(["options": options]))
        .text.split(separator: "\n").map { try JSON.parse(text: String($0), file: "a line").object }
      #expect(lines.contains { $0?["message"]?.object?["tool_calls"]?.array?.count == 1 })
      let shown = try await server.post("/api/show", .object(["model": "caller"]))
      #expect(shown["capabilities"] == .array(["completion", "tools"]))

      let flat = [Self.weather, Self.now].map { tool in
        JSONValue.object(
          ordered: [("type", "function")] + (tool.object?["function"]?.members ?? []))
      }
      let body: JSONValue = .object([
        "model": "caller", "tools": .array(flat), "tool_choice": "required", "seed": 3,
        "max_output_tokens": 200, "parallel_tool_calls": false,
        "input": .array([
          .object(["role": "user", "content": "Rain?"]),
          .object(["type": "function_call", "call_id": "c", "name": "now", "arguments": "{}"]),
          .object(["type": "function_call_output", "call_id": "c", "output": "noon"]),
        ]),
      ])
      let whole = try await server.post("/v1/responses", body)
      let item = whole["output", "0"]?.object
      #expect(item?["type"] == "function_call", "\(whole.text)")
      Self.check(item?["name"], try Self.parsed(item?["arguments"]))
      var streamed = body.object ?? [:]
      streamed["stream"] = true
      let events = try await server.post("/v1/responses", .object(streamed)).events
      let done = events.first { $0.object?["type"] == "response.function_call_arguments.done" }
      #expect(done?.object?["arguments"] == item?["arguments"])
      #expect(events.last?.object?["type"] == "response.completed")
      #expect(
        events.compactMap { $0.object?["sequence_number"]?.integer } == Array(0..<events.count))
    }
  }
}
