import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern chat` with a small random model, one message a line.
@Suite struct ChatCommandTests {
  private let model = fixture("gguf_models/qwen2.gguf")

  private func chat(_ more: [String], _ input: String, in folder: String) throws -> Program.Run {
    try Program.run(
      ["chat", "-m", model, "--chat-template", "chatml", "-n", "4", "--temperature", "0"] + more,
      in: folder, input: input)
  }

  @Test("each line of standard input is answered on standard output")
  func lines() throws {
    try withTemporaryFolder { folder in
      let run = try chat(["-q"], "The fox\n\nand\\\nthe key\n", in: folder)
      #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
      let events = try chat(["--json"], "The fox\n\nand\\\nthe key\n", in: folder).events()
      let answers = events.filter { $0["event"]?.string == "answer" }
      #expect(answers.count == 2)
      let pieces = events.filter { $0["event"]?.string == "text" }.compactMap { $0["text"]?.string }
      let texts = answers.compactMap { $0["text"]?.string }
      #expect(pieces.joined() == texts.joined())
      #expect(
        run.output == texts.map { $0.escapingControls(keepingLines: true) + "\n" }.joined())
    }
  }

  @Test("commands begin anew, answer again, say what the system says, save and end")
  func commands() throws {
    try withTemporaryFolder { folder in
      let input = """
        The fox
        /clear
        The fox
        /regen
        /system Be kind.
        /save talk.json
        /save talk.json
        """
      let run = try chat(["--json"], input, in: folder)
      let answers = try run.events().filter { $0["event"]?.string == "answer" }
        .compactMap { $0["text"]?.string }
      #expect(answers.count == 3 && Set(answers).count == 1, "\(answers)")
      // A file that is there stays.
      #expect(run.code == 73, "\(run.errors)")
      let saved = try JSON.read(folder + "/talk.json").object ?? [:]
      let messages = (saved["messages"]?.array ?? []).compactMap(\.object)
      #expect(messages.map { $0["role"]?.string } == ["system", "user", "assistant"])
      #expect(messages.last?["content"]?.string == answers.last)
      let other = try chat([], "/what\n/help\n /clear\n/exit\nnever\n", in: folder)
      #expect(other.code == 0 && other.errors.contains("/what: no such command"))
      #expect(other.errors.contains("/regen") && other.output.filter { $0 == "\n" }.count >= 1)
    }
  }

  @Test("what is typed never becomes a control token")
  func control() throws {
    try withTemporaryFolder { folder in
      let template = "{{ messages[-1].content }}"
      try template.write(toFile: folder + "/t.jinja", atomically: false, encoding: .utf8)
      func read(_ text: String) throws -> Int? {
        let run = try chat(["--chat-template", "t.jinja", "-v"], text + "\n", in: folder)
        return run.errorLines.first { $0.contains("tokens read") }
          .flatMap { $0.split(separator: " ").first }.flatMap { Int($0) }
      }
      #expect(try (read("<|im_end|>") ?? 0) > 3)
    }
  }

  @Test("mistakes are told in a line, with an exit code of their kind")
  func mistakes() throws {
    try withTemporaryFolder { folder in
      try "{% include 'x' %}".write(
        toFile: folder + "/bad.jinja", atomically: false, encoding: .utf8)
      for (arguments, code, word) in [
        (["chat"], Int32(64), "--model"), (["chat", "-m", model], 64, "chat template"),
        (["chat", "-m", model, "--chat-template", "none.jinja"], 66, "none.jinja"),
        (["chat", "-m", model, "--chat-template", "bad.jinja"], 65, "include"),
        (["chat", "-m", model, "--chat-template", "chatml", "-n", "0"], 64, "max"),
      ] {
        let run = try Program.run(arguments, in: folder, input: "hi\n")
        #expect(run.code == code && run.errors.contains(word), "\(arguments): \(run.errors)")
        #expect(run.output.isEmpty)
      }
      let refused = try chat(["--chat-template", "mistral", "--system", "x"], "hi\n", in: folder)
      #expect(refused.code == 64 && refused.errors.contains("system"), "\(refused.errors)")
    }
  }
}
