import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern write` with a small random model.
@Suite struct WriteCommandTests {
  private let model = fixture("gguf_models/qwen2.gguf")

  @Test("what is written goes to standard output, the seed and details to standard error")
  func output() throws {
    try withTemporaryFolder { folder in
      let arguments = ["write", "The red fox", "-m", model, "-n", "6"]
      let run = try Program.run(arguments + ["-v"], in: folder)
      #expect(run.code == 0 && run.output.hasSuffix("\n"), "\(run.errors)")
      let seed = try #require(run.errorLines.first { $0.hasPrefix("seed ") }).dropFirst(5)
      #expect(run.errors.contains("tokens read and 6 written"))
      let again = try Program.run(arguments + ["-s", String(seed), "-q"], in: folder)
      #expect(again.output == run.output && again.errors.isEmpty)
    }
  }

  @Test("programs get the text as events, and why it ends")
  func events() throws {
    try withTemporaryFolder { folder in
      let arguments = ["write", "The red fox", "-m", model, "-n", "6", "-s", "7"]
      let events = try Program.run(arguments + ["--json"], in: folder).events()
      let text = events.filter { $0["event"]?.string == "text" }.compactMap { $0["text"]?.string }
      #expect(
        try Program.run(arguments, in: folder).output
          == text.joined().escapingControls(keepingLines: true) + "\n")
      let end = try #require(events.last)
      #expect(end["event"]?.string == "end" && end["ending"]?.string == "length")
      #expect(end["tokens"]?.integer == 6 && end["seed"]?.integer == 7)
    }
  }

  @Test("with log-probabilities, programs get each token and the likeliest in its stead")
  func logProbabilities() throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(
        ["write", "The red fox", "-m", model, "-n", "4", "--log-probabilities", "2", "--json"],
        in: folder)
      let tokens = try run.events().filter { $0["event"]?.string == "token" }
      #expect(tokens.count == 4)
      for token in tokens {
        #expect(token["top"]?.array?.count == 2 && token["id"]?.integer != nil)
        #expect((token["log_probability"]?.double).map { $0 < 0 } == true)
        let bytes = token["bytes"]?.array?.compactMap { $0.integer.map { UInt8($0) } } ?? []
        #expect(String(decoding: bytes, as: UTF8.self) == token["text"]?.string)
      }
    }
  }

  @Test("a trace holds every token read and the logits behind it")
  func trace() throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(
        [
          "write", "@prompt.txt", "-m", model, "-n", "6", "--temperature", "0", "--trace",
          "t.safetensors",
        ],
        in: folder)
      #expect(run.code == 66, "there is no prompt.txt: \(run.errors)")
      try Data("The red fox\n".utf8).write(to: URL(fileURLWithPath: folder + "/prompt.txt"))
      let second = try Program.run(
        [
          "write", "@prompt.txt", "-m", model, "-n", "6", "--temperature", "0", "--trace",
          "t.safetensors",
        ],
        in: folder)
      #expect(second.code == 0, "\(second.errors)")
      let file = try SafetensorsFile(folder + "/t.safetensors")
      let tokens = try #require(file.info("tokens")), logits = try #require(file.info("logits"))
      #expect(
        tokens.dtype == "I64" && logits.dtype == "F32" && logits.shape == [tokens.shape[0], 400])
    }
  }

  @Test(
    "several texts come one after another, each that of its seed, and to programs with their numbers"
  )
  func several() throws {
    try withTemporaryFolder { folder in
      let arguments = ["write", "The red fox", "-m", model, "-n", "6"]
      let texts = try (7...9).map {
        try Program.run(arguments + ["-q", "-s", String($0)], in: folder).output
      }
      let run = try Program.run(arguments + ["-q", "-s", "7", "--count", "3"], in: folder)
      #expect(run.code == 0 && run.output == texts.joined(separator: "\n"), "\(run.errors)")
      let events = try Program.run(arguments + ["-s", "7", "-b", "3", "--json"], in: folder)
        .events()
      let ends = events.filter { $0["event"]?.string == "end" }
      #expect(ends.map { $0["number"]?.integer } == [1, 2, 3])
      #expect(ends.map { $0["seed"]?.integer } == [7, 8, 9])
      let second = events.filter { $0["number"]?.integer == 2 }.compactMap { $0["text"]?.string }
      #expect(second.joined().escapingControls(keepingLines: true) + "\n" == texts[1])
    }
  }

  @Test("prompts of a file are gone on from in their order, and programs get each with its number")
  func prompts() throws {
    try withTemporaryFolder { folder in
      let lines = ["The red fox", "A key", "Once upon a time", "The"]
      try Data(("# Four.\n\n" + lines.joined(separator: "\n")).utf8).write(
        to: URL(fileURLWithPath: folder + "/prompts.txt"))
      let options = ["-m", model, "-n", "6", "-s", "7"]
      let texts = try lines.map {
        try Program.run(["write", $0, "-q"] + options, in: folder).output
      }
      let arguments = ["write", "--prompts", "prompts.txt", "--parallel", "3"] + options
      let run = try Program.run(arguments + ["-q"], in: folder)
      #expect(run.code == 0 && run.output == texts.joined(separator: "\n"), "\(run.errors)")
      let events = try Program.run(arguments + ["--json"], in: folder).events()
      let ends = events.filter { $0["event"]?.string == "end" }
      #expect(ends.compactMap { $0["number"]?.integer }.sorted() == [1, 2, 3, 4])
      #expect(ends.allSatisfy { $0["seed"]?.integer == 7 })
      let third = events.filter { $0["number"]?.integer == 3 }.compactMap { $0["text"]?.string }
      #expect(third.joined().escapingControls(keepingLines: true) + "\n" == texts[2])
    }
  }

  @Test("tokens that are read ahead change no text, and how many came is told")
  func ahead() throws {
    try withTemporaryFolder { folder in
      let arguments = [
        "write", "The red fox", "-m", model, "-n", "20", "-s", "7", "--logit-bias", "70+200",
      ]
      let plain = try Program.run(arguments, in: folder).output
      let run = try Program.run(arguments + ["-v", "--lookup", "5", "--draft", model], in: folder)
      #expect(run.output == plain && run.errors.contains("proposed tokens came"), "\(run.errors)")
      let events = try Program.run(arguments + ["--json", "--draft", model], in: folder).events()
      let end = try #require(events.last)
      #expect(end["proposed_tokens"]?.integer == end["accepted_tokens"]?.integer)
      #expect(end["accepted_tokens"]?.integer ?? 0 > 10)
    }
  }

  @Test("mistakes are told in a line, with an exit code of their kind")
  func mistakes() throws {
    try withTemporaryFolder { folder in
      for (arguments, code, word) in [
        (["write", "a", "-m", "none.gguf"], Int32(66), "none.gguf"),
        (["write", "a"], 64, "--model"),
        (["write", "a", "-m", model, "-n", "0"], 64, "max"),
        (["write", "a", "-m", model, "--count", "0"], 64, "1 to 256"),
        (["write", "a", "-m", model, "-b", "2", "--trace", "t.safetensors"], 64, "--count"),
        (["write", "-m", model], 64, "lantern write"),
        (["write", "a", "-m", model, "--prompts", "p.txt"], 64, "one of both"),
        (["write", "-m", model, "--prompts", "p.txt", "-b", "2"], 64, "--count"),
        (["write", "-m", model, "--prompts", "p.txt", "--trace", "t"], 64, "--trace"),
        (["write", "-m", model, "--prompts", "p.txt", "--parallel", "0"], 64, "1 to 256"),
        (["write", "a", "-m", model, "--parallel", "2"], 64, "--prompts"),
        (["write", "-m", model, "--prompts", "p.txt"], 66, "p.txt"),
        (["write", "a", "-m", model, "--lookup", "65"], 64, "0 to 64"),
        (["write", "a", "-m", model, "--draft", "none.gguf"], 66, "none.gguf"),
        (["write", "a", "-m", model, "--prompt-cache", model], 65, "prompt cache"),
        (["write", "a", "-m", model, "--logit-bias", "x"], 64, "123-4.5"),
        (["write", "a", "-m", model, "--logit-bias", "5+inf"], 64, "123-4.5"),
        (["write", "a", "-m", model, "--logit-bias", "99999+1"], 64, "99999"),
        (["write", "a", "-m", model, "--sampler-order", "warm"], 64, "transformers"),
        (["write", "a", "-m", fixture("tensor_files.safetensors")], 65, "GGUF"),
      ] {
        let run = try Program.run(arguments, in: folder)
        #expect(run.code == code && run.errors.contains(word), "\(arguments): \(run.errors)")
        #expect(run.output.isEmpty)
      }
    }
  }
}
