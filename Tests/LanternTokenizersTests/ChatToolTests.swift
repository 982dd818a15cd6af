import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// Tools in chat templates against transformers: tools/fixtures/chat_tools.py.
@Suite struct ChatToolTests {
  /// A template in one of the forms, and what transformers makes of the conversations with it.
  private struct Case {
    let form: String
    let source: String
    let texts: [String]
  }

  private static func fixtureCases() throws -> (tools: [ChatTool], talks: [[ChatMessage]], [Case]) {
    let root = try #require(try JSON.read(fixture("chat_tools.json")).object)
    let tools = try (root["tools"]?.array ?? []).map { json in
      let function = try #require(json.object?["function"]?.object)
      return ChatTool(
        name: try #require(function["name"]?.string), parameters: function["parameters"], json: json
      )
    }
    let talks = try (root["conversations"]?.array ?? []).map { try ($0.array ?? []).map(message) }
    let cases = try (root["templates"]?.array ?? []).map { json in
      let values = try #require(json.object)
      return Case(
        form: try #require(values["form"]?.string), source: try #require(values["source"]?.string),
        texts: (values["texts"]?.array ?? []).compactMap(\.string))
    }
    return (tools, talks, cases)
  }

  private static func message(_ json: JSONValue) throws -> ChatMessage {
    let values = try #require(json.object)
    let role = try #require(values["role"]?.string.flatMap(ChatMessage.Role.init))
    var message = ChatMessage(role, values["content"]?.string ?? "")
    (message.toolCallID, message.toolName) = (
      values["tool_call_id"]?.string, values["name"]?.string
    )
    message.toolCalls = try (values["tool_calls"]?.array ?? []).map { call in
      let function = try #require(call.object?["function"]?.object)
      return ToolCall(
        id: try #require(call.object?["id"]?.string), name: try #require(function["name"]?.string),
        arguments: try #require(function["arguments"]))
    }
    return message
  }

  @Test("tools, calls and what they gave stand in a prompt as transformers has them")
  func prompts() throws {
    let (tools, talks, cases) = try Self.fixtureCases()
    #expect(cases.count == 3)
    for one in cases {
      let template = try ChatTemplate(one.source, file: one.form)
      let marks: [(key: String, value: ChatValue)] = [
        ("bos_token", .text("<s>")), ("eos_token", .text("</s>")),
      ]
      for (talk, text) in zip(talks, one.texts) {
        #expect(try template.render(talk, tools: tools, variables: marks).string == text)
      }
      #expect("\(String(describing: ToolCallForm(template: one.source)))".contains(one.form))
    }
    #expect(ToolCallForm(template: "{{ messages }}") == nil)
  }

  @Test(
    "what a form teaches is read as the call that transformers wrote in it, however it is cut",
    arguments: [ToolCallForm.tags, .list, .object])
  func reading(form: ToolCallForm) throws {
    let (_, talks, cases) = try Self.fixtureCases()
    let call = try #require(talks[1][2].toolCalls.first)
    let text = try #require(cases.first { "\(form)" == $0.form }?.texts[1])
    let begin = try #require(
      text.firstRange(
        of: form == .tags
          ? "<tool_call>\n{\"name\": \"w" : form == .list ? "[TOOL_CALLS]" : "{\"name\": \"w"))
    let end = try #require(
      text.firstRange(
        of: form == .tags
          ? "<|im_end|>\n<|im_start|>user\n<tool_r"
          : form == .list ? "</s>" : "<|eot_id|><|start_header_id|>ipython"))
    let answer = String(text[begin.lowerBound..<end.lowerBound])
    for step in [1, 2, 7, answer.count] {
      var reader = ToolCallReader(form)
      var pieces: [ToolCallReader.Piece] = []
      for piece in Array(answer).chunks(step) { pieces += reader.add(String(piece)) }
      pieces += reader.finish()
      guard pieces.count == 1, case .call(let found) = pieces[0] else {
        Issue.record("\(form), \(step): \(pieces)")
        continue
      }
      #expect(found.name == call.name && found.arguments == call.arguments)
      #expect(
        JSON.write(found.arguments, keepsOrder: true)
          == JSON.write(call.arguments, keepsOrder: true))
      #expect(found.id.count == (form == .list ? 9 : 29))
    }
  }

  /// The text that is told of an answer, and the names that it calls.
  private static func divided(_ answer: String, _ form: ToolCallForm) -> (String, [String]) {
    ToolCallReader.pieces(of: answer, form).reduce(into: ("", [])) { all, piece in
      switch piece {
      case .text(let text): all.0 += text
      case .call(let call): all.1.append(call.name)
      }
    }
  }

  @Test("text around calls stays, calls follow one another, and what is no call is text")
  func texts() {
    let call = #"<tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>"#
      .replacing("\\n", with: "\n")
    let second = call.replacing("\"a\"", with: "\"b\"")
    for (answer, form, text, names) in [
      ("Let me see.\n\(call)\n\(second)\n", ToolCallForm.tags, "Let me see.", ["a", "b"]),
      ("\n \(call) and more", .tags, " and more", ["a"]),
      ("a < b <tool", .tags, "a < b <tool", []), ("  ", .tags, "  ", []),
      ("<tool_call>{\"name\": 1}</tool_call>", .tags, "<tool_call>{\"name\": 1}</tool_call>", []),
      ("<tool_call>{\"name\": \"c\"}", .tags, "", ["c"]),
      ("<tool_call>{\"na", .tags, "<tool_call>{\"na", []),
      (#"[TOOL_CALLS][{"name": "a", "arguments": {}}, {"name": "b"}]"#, .list, "", ["a", "b"]),
      ("[TOOL_CALLS] maybe", .list, "[TOOL_CALLS] maybe", []),
      (#" {"name": "a", "parameters": {"x": 1}}"#, .object, "", ["a"]),
      (#"{"name": "a", "parameters": "{\"x\": 1}"}"#, .object, "", ["a"]),
      (#"It is {"name": "a"}"#, .object, #"It is {"name": "a"}"#, []),
      (#"{"x": 1}"#, .object, #"{"x": 1}"#, []), ("", .object, "", []),
    ] {
      let found = Self.divided(answer, form)
      #expect(found.0 == text && found.1 == names, "\(answer): \(found)")
    }
  }

  @Test("references within a tool's schema are moved with it, and nothing that is a value")
  func schemas() throws {
    let (tools, _, _) = try Self.fixtureCases()
    let schema = ToolCallForm.object.schema(of: tools)
    let text = JSON.write(schema, keepsOrder: true)
    let base = "#/anyOf/0/properties/parameters"
    #expect(text.contains("{\"$ref\":\"\(base)/$defs/at\"}"), "\(text)")
    #expect(text.contains(##""properties":{"name":{"const":"weather"},"parameters":"##))
    let given = try JSON.parse(text: ##"{"const": {"$ref": "#/x"}}"##, file: "a schema")
    let tool = ChatTool(name: "t", parameters: given, json: .null)
    #expect(JSON.write(ToolCallForm.tags.schema(of: [tool])).contains(##"{"$ref":"#/x"}"##))
  }
}

extension Array {
  fileprivate func chunks(_ size: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
  }
}
