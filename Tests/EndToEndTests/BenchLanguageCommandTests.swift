import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern bench language` with a small random model.
@Suite struct BenchLanguageCommandTests {
  private let model = fixture("gguf_models/qwen2.gguf")

  @Test("programs get each run, and speeds and memory at the end; people a table")
  func output() throws {
    try withTemporaryFolder { folder in
      try Data(String(repeating: "A fox and a hen. ", count: 30).utf8).write(
        to: URL(fileURLWithPath: folder + "/text.txt"))
      let arguments = [
        "bench", "language", "-m", model, "--prompt-tokens", "16", "--new-tokens", "4", "--runs",
        "2",
        "--perplexity", "text.txt", "--sequences", "3",
      ]
      let run = try Program.run(arguments + ["--json"], in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let events = try run.events()
      #expect(events.filter { $0["event"]?.string == "run" }.count == 2)
      let end = try #require(events.last)
      for key in [
        "prefill_tokens_per_second", "decode_tokens_per_second", "peak_bytes", "perplexity",
      ] {
        #expect((end[key]?.double).map { $0 > 0 } == true, "\(key)")
      }
      let table = try Program.run(arguments, in: folder)
      #expect(table.output.contains("prompt of 16 tokens") && table.output.contains("perplexity"))
      #expect(table.output.contains("3 times 4 behind it") && end["sequences"]?.integer == 3)
      let own = try Program.run(arguments + ["--own-prompts"], in: folder)
      #expect(own.output.contains("3 prompts of 16"), "\(own.errors)")
      let lengths = try Program.run(
        [
          "bench", "language", "-m", model, "--prompt-tokens", "8,16", "--new-tokens", "2",
          "--json",
        ],
        in: folder
      ).events().filter { $0["event"]?.string == "end" }
      #expect(lengths.map { $0["prompt_tokens"]?.integer } == [8, 16])
    }
  }

  @Test("mistakes are told in a line")
  func mistakes() throws {
    try withTemporaryFolder { folder in
      for (more, code, word) in [
        ([], Int32(64), "--model"), (["-m", model, "--new-tokens", "0"], 64, "new tokens"),
        (["-m", model, "--prompt-tokens", "-1"], 64, "prompt tokens"),
        (["-m", model, "--prompt-tokens", "8,x"], 64, "prompt tokens"),
        (["-m", model, "--sequences", "0"], 64, "1 to 256"),
        (["-m", model], 64, "context is 64"),
        (["-m", model, "--perplexity", "none.txt"], 66, "none.txt"),
      ] {
        let run = try Program.run(["bench", "language"] + more, in: folder)
        #expect(run.code == code && run.errors.contains(word), "\(more): \(run.errors)")
      }
    }
  }
}
