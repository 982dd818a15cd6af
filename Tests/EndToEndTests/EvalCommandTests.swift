import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern eval` with a small random model and made questions.
@Suite struct EvalCommandTests {
  private let arguments = [
    "eval", "mmlu", "-m", fixture("evaluation/model"), "--data", fixture("evaluation/mmlu"),
  ]

  @Test("people get a table, programs an event for each score, and a log goes on")
  func output() throws {
    try withTemporaryFolder { folder in
      let table = try Program.run(
        arguments + ["--shots", "1", "--limit", "3", "--log", "log.jsonl"], in: folder)
      #expect(table.code == 0, "\(table.errors)")
      let rows = table.output.split(separator: "\n").map(String.init)
      #expect(rows.count == 4 && rows[1].hasPrefix("mmlu anatomy"))
      #expect(rows[3].hasPrefix("mmlu  ") && rows[3].hasSuffix("of 6"), "\(rows)")
      let run = try Program.run(
        arguments + ["--shots", "1", "--log", "log.jsonl", "--json"], in: folder)
      let events = try run.events()
      #expect(events.first?["questions"]?.integer == 10 && events.first?["shots"]?.integer == 1)
      let scores = events.filter { $0["event"]?.string == "score" }
      #expect(scores.map { $0["subject"]?.string } == ["anatomy", "high_school_physics", ""])
      #expect(scores.last?["count"]?.integer == 10 && scores.last?["interval"]?.array?.count == 2)
      let log = try String(contentsOfFile: folder + "/log.jsonl", encoding: .utf8)
      #expect(log.split(separator: "\n").count == 11)
    }
  }

  @Test("mistakes are told in a line")
  func mistakes() throws {
    try withTemporaryFolder { folder in
      for (more, code, word) in [
        (["--limit", "0"], Int32(64), "limit 0"), (["--shots", "-1"], 64, "shots -1"),
        (["--parallel", "0"], 64, "parallel 0"), (["--shots", "9"], 64, "choose fewer shots"),
        (["--data", "none"], 66, "none"), (["--data", "."], 66, "no file of mmlu"),
        (["--log", "none/log"], 73, "none/log"),
      ] {
        let run = try Program.run(arguments + more, in: folder)
        #expect(run.code == code && run.errors.contains(word), "\(more): \(run.errors)")
      }
      let chat = ["eval", "mmlu", "-m", fixture("gguf_models/qwen2.gguf"), "--chat", "--data"]
      let run = try Program.run(chat + [fixture("evaluation/mmlu")], in: folder)
      #expect(run.code == 64 && run.errors.contains("chat template"), "\(run.errors)")
      let unknown = try Program.run(["eval", "foxes", "-m", "x", "--data", "."], in: folder)
      #expect(unknown.code == 64 && unknown.errors.contains("hellaswag"), "\(unknown.errors)")
    }
  }
}
