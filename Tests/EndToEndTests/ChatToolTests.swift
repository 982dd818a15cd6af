import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern chat --tools`: what a model calls is shown, and a program or a person answers it.
@Suite struct ChatToolTests {
  private static let tools = #"""
    [{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters":
      {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}}},
     {"name": "now"}]
    """#

  /// Runs `body` in a folder with tools, and a model whose template has them and who writes what `--regex` says.
  private static func inFolder(_ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let caller = folder + "/caller"
      try FileManager.default.copyItem(atPath: fixture("language_folders/llama"), toPath: caller)
      let config = try String(contentsOfFile: caller + "/config.json", encoding: .utf8)
      try config.replacing(
        "\"max_position_embeddings\": 64", with: "\"max_position_embeddings\": 8192"
      ).write(toFile: caller + "/config.json", atomically: true, encoding: .utf8)
      let all = try JSON.read(fixture("chat_tools.json")).object?["templates"]?.array ?? []
      let row = try #require(all.compactMap(\.object).first { $0["form"]?.string == "tags" })
      try #require(row["source"]?.string).write(
        toFile: caller + "/chat_template.jinja", atomically: true, encoding: .utf8)
      try tools.write(toFile: folder + "/tools.json", atomically: true, encoding: .utf8)
      let script =
        "#!/bin/sh\necho \"$1\" >> names.txt\ncat >> given.txt\nprintf '%s is 5' \"$1\"\n"
      try script.write(toFile: folder + "/run.sh", atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: folder + "/run.sh")
      try body(folder)
    }
  }

  private static func chat(
    _ more: [String], calling name: String = "add", typed: String, in folder: String
  ) throws -> Program.Run {
    let call =
      "<tool_call>\n{\"name\": \"\(name)\", \"arguments\": {\"a\": 2, \"b\": 3}}\n</tool_call>"
    let regex = call.map { "{}".contains($0) ? "\\\($0)" : String($0) }.joined()
    return try Program.run(
      ["chat", "-m", "caller", "--regex", regex, "-n", "200", "-s", "1"] + more, in: folder,
      input: typed)
  }

  /// Checks an error behind an answer, which ends its line.
  private static func expectFailure(_ run: Program.Run, code: Int32, _ words: [String]) {
    #expect(run.code == code, "\(run.errors)")
    for word in words { #expect(run.errors.contains(word), "\(run.errors)") }
  }

  @Test("the program that is named does what the model calls, and the model reads the result")
  func command() throws {
    try Self.inFolder { folder in
      let run = try Self.chat(
        ["--tools", "tools.json", "--tool-command", "run.sh"],
        typed: "what is 2 and 3?\n/save said.json\n", in: folder)
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.errors.contains("calls add {\"a\":2,\"b\":3}"), "\(run.errors)")
      #expect(run.errors.contains("gives add is 5") && run.errors.contains("8 times in a row"))
      #expect(!run.output.contains("tool_call"), "\(run.output)")
      let names = try String(contentsOfFile: folder + "/names.txt", encoding: .utf8)
      #expect(names == String(repeating: "add\n", count: 8))
      let given = try String(contentsOfFile: folder + "/given.txt", encoding: .utf8)
      #expect(given.hasPrefix("{\"a\":2,\"b\":3}\n"))
      let said = try JSON.read(folder + "/said.json").object?["messages"]?.array ?? []
      let roles = said.prefix(4).map { $0.object?["role"]?.string }
      #expect(roles == ["user", "assistant", "tool", "assistant"])
      let call = said[1].object?["tool_calls"]?.array?.first?.object
      #expect(call?["function"]?.object?["name"] == "add" && said[1].object?["content"] == "")
      #expect(said[2].object?["content"] == "add is 5")
      #expect(said[2].object?["tool_call_id"] == call?["id"])
    }
  }

  @Test("without a program the result is typed, and where nothing is left that is an error")
  func typed() throws {
    try Self.inFolder { folder in
      let run = try Self.chat(
        ["--tools", "tools.json", "--json"], typed: "what?\nfive\nsix\n", in: folder)
      Self.expectFailure(run, code: 74, ["add", "standard input"])
      let events = run.output.split(separator: "\n").compactMap {
        try? JSON.parse(text: String($0), file: "event").object
      }
      let results = events.filter { $0["event"] == "result" }.map { $0["result"] }
      #expect(results == ["five", "six"])
      #expect(!FileManager.default.fileExists(atPath: folder + "/names.txt"))
    }
  }

  @Test("nothing is run for a name that the file does not have")
  func unknown() throws {
    try Self.inFolder { folder in
      let run = try Self.chat(
        ["--tools", "tools.json", "--tool-command", "./run.sh"], calling: "remove",
        typed: "what?\n", in: folder)
      #expect(run.errors.contains("there is no tool \"remove\"; there are: add, now"))
      #expect(!FileManager.default.fileExists(atPath: folder + "/names.txt"))
    }
  }

  @Test("a template without tools, a file of none and a program that fails have one clear error")
  func errors() throws {
    try Self.inFolder { folder in
      let tools = ["--tools", "tools.json"]
      func chat(_ more: [String]) throws -> Program.Run {
        try Self.chat(more, typed: "what?\n", in: folder)
      }
      expectError(
        try chat(tools + ["--chat-template", "chatml"]), code: 65, ["chatml", "no tools"])
      Self.expectFailure(
        try chat(tools + ["--tool-command", "false"]), code: 74, ["false add", "code 1"])
      Self.expectFailure(
        try chat(tools + ["--tool-command", "./none"]), code: 74, ["./none add", "is it a program"])
      expectError(try chat(["--tool-command", "run.sh"]), code: 64, ["--tools"])
      expectError(try chat(tools + ["--server", "http://127.0.0.1:9"]), code: 64, ["--tools"])
      for text in [
        "{}", "[]", "[1]", #"[{"type": "retrieval"}]"#, #"[{"name": "a"}, {"name": "a"}]"#,
      ] {
        try text.write(toFile: folder + "/bad.json", atomically: true, encoding: .utf8)
        expectError(try chat(["--tools", "bad.json"]), code: 65, ["bad.json", "tools"])
      }
    }
  }
}
