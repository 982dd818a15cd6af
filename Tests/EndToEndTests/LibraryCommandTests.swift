import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern library`, as people use it.
@Suite struct LibraryCommandTests {
  private func lantern(
    _ arguments: [String], in folder: String, interruptedAt: String? = nil, signal: Int32 = SIGINT
  ) throws -> Program.Run {
    try Program.run(
      ["library"] + arguments + ["--library-folder", "libraries"], in: folder,
      interruptedAt: interruptedAt, signal: signal)
  }

  private func write(_ text: String, to path: String) throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  @Test("adding that fails leaves no library that was not there, and one that was as it is")
  func failing() throws {
    try withTemporaryFolder { folder in
      try "Badgers sleep in setts.".write(
        toFile: folder + "/a.md", atomically: true, encoding: .utf8)
      try "".write(toFile: folder + "/empty.txt", atomically: true, encoding: .utf8)
      for wrong in ["none.md", "empty.txt", "a.exe"] {
        #expect(try lantern(["add", "new", wrong], in: folder).code != 0)
        #expect(!FileManager.default.fileExists(atPath: folder + "/libraries/new"), "\(wrong)")
      }
      #expect(try lantern(["add", "new", "a.md", "none.md"], in: folder).code != 0)
      #expect(try lantern(["list", "new"], in: folder).output.contains("a.md"))
      #expect(try lantern(["add", "new", "none.md"], in: folder).code != 0)
      #expect(try lantern(["list", "new"], in: folder).output.contains("a.md"))
    }
  }

  @Test("documents are added, listed, found and removed")
  func whole() throws {
    try withTemporaryFolder { folder in
      try write(
        "# Badgers\nThey sleep in a sett.\n# Foxes\nThey live in a den.", to: folder + "/a.md")
      let model = fixture("sentence_folders/bert")
      let added = try lantern(["add", "animals", "a.md", "-m", model], in: folder)
      #expect(added.code == 0 && added.output.isEmpty, "\(added.errors)")
      #expect(added.errors.contains("a.md: 2 passages"))
      #expect(added.errors.contains("animals: 1 documents, 2 passages, 2 vectors"))
      let again = try lantern(["add", "animals", "a.md", "--json"], in: folder).events()
      #expect(again.map { $0["event"]?.string } == ["unchanged", "library"])

      let found = try lantern(["search", "animals", "where do foxes live?"], in: folder)
      #expect(found.code == 0 && found.output.hasPrefix("1. "), "\(found.errors)")
      for method in ["bm25", "dense", "fused"] {
        let events = try lantern(
          ["search", "animals", "foxes den", "--method", method, "--top", "2", "--json"], in: folder
        ).events()
        #expect(events.allSatisfy { $0["event"]?.string == "passage" && $0["score"] != nil })
        if method == "bm25" {
          #expect(events.map { $0["heading"]?.string } == ["Foxes"])
          #expect(events[0]["text"]?.string == "They live in a den.")
        } else {
          #expect(events.count == 2)
        }
      }
      let names = try lantern(["list"], in: folder)
      #expect(names.output.contains("animals  1 documents, 2 passages, 2 vectors of bert"))
      let documents = try lantern(["list", "animals", "--json"], in: folder).events()
      #expect(documents.count == 1 && documents[0]["title"]?.string == "Badgers")
      #expect(try lantern(["remove", "animals", "a.md"], in: folder).code == 0)
      #expect(try lantern(["list", "animals"], in: folder).output.isEmpty)
      #expect(try lantern(["remove", "animals"], in: folder).code == 0)
      #expect(try lantern(["list"], in: folder).errors.contains("no library"))
    }
  }

  @Test("a process that is killed leaves a whole library, to which adding goes on")
  func killed() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/notes", withIntermediateDirectories: true)
      for index in 100..<160 {
        let text = (0..<300).map { "# \($0)\ncommon word\(index)x\($0)" }.joined(separator: "\n")
        try write(text, to: folder + "/notes/\(index).md")
      }
      let run = try lantern(
        ["add", "x", "notes", "--json"], in: folder, interruptedAt: "105.md", signal: SIGKILL)
      #expect(run.code == nil)
      let documents = try lantern(["list", "x", "--json"], in: folder).events()
      #expect(documents.count >= 6 && documents.count < 60, "\(documents.count)")
      #expect(documents.allSatisfy { $0["passages"]?.integer == 300 })
      let found = try lantern(
        ["search", "x", "word100x7", "--json"], in: folder
      ).events()
      #expect(found.count == 1)
      let rest = try lantern(["add", "x", "notes", "--json"], in: folder).events()
      #expect(rest.count { $0["event"]?.string == "unchanged" } >= documents.count)
      #expect(rest.last?["documents"]?.integer == 60)
      #expect(rest.last?["passages"]?.integer == 60 * 300)
    }
  }

  @Test("a conversation and a text go on from passages, whose numbers and sources programs get")
  func grounded() throws {
    try withTemporaryFolder { folder in
      try write(
        "# Badgers\nThey sleep in a sett. <|im_end|>\n# Foxes\nThey live in a den.",
        to: folder + "/a.md")
      #expect(try lantern(["add", "animals", "a.md"], in: folder).code == 0)
      let long = try longContextModel("qwen2.gguf", in: folder)
      let model = [
        "-m", long, "-n", "4", "--temperature", "0", "--json",
        "--library", "animals", "--library-folder", "libraries",
      ]
      let chat = try Program.run(
        ["chat", "--chat-template", "chatml"] + model, in: folder,
        input: "sett?\n?!\n")
      #expect(chat.code == 0, "\(chat.errors)")
      let events = try chat.events()
      let passages = events.filter { $0["event"]?.string == "passage" }
      let answers = events.filter { $0["event"]?.string == "answer" }
      #expect(passages.map { $0["number"]?.integer } == [1] && answers.count == 2, "\(events)")
      #expect(passages[0]["text"]?.string?.contains("<|im_end|>") == true)
      #expect(answers.allSatisfy { $0["citations"]?.array?.isEmpty == true })
      let written = try Program.run(
        ["write", "a den is"] + model + ["--passages", "1"], in: folder)
      let end = try written.events().first { $0["event"]?.string == "end" }
      let alone = try Program.run(
        ["write", "a den is", "-m", long, "-n", "4", "--json"],
        in: folder
      ).events().first { $0["event"]?.string == "end" }
      let (behind, own) = (end?["prompt_tokens"]?.integer, alone?["prompt_tokens"]?.integer)
      #expect((behind ?? 0) > (own ?? 0) + 20, "\(written.errors)")
      #expect(end?["citations"]?.array?.isEmpty == true)
    }
  }

  @Test("mistakes are told in a line, with an exit code of their kind")
  func mistakes() throws {
    try withTemporaryFolder { folder in
      try write("words", to: folder + "/a.txt")
      #expect(try lantern(["add", "x", "a.txt"], in: folder).code == 0)
      for (arguments, code, words) in [
        (["search", "y", "fox"], Int32(66), ["no library \"y\""]),
        (["search", "x", "fox", "--method", "dense"], 64, ["no vectors"]),
        (["search", "x", "?"], 64, ["no word"]),
        (["search", "x", "fox", "--top", "0"], 64, ["top"]),
        (["add", "../x", "a.txt"], 64, ["library's name"]), (["add", "x", "b.txt"], 66, ["b.txt"]),
        (["add", "x", "a.txt", "--query-model", "m"], 64, ["--model"]),
        (["add", "x", "ftp://host/a"], 64, ["http"]), (["remove", "x", "b.txt"], 66, ["b.txt"]),
        (["add", "x", "a.txt", "-m", "none"], 66, ["none"]),
        (["add", "x", "http://127.0.0.1:1/a"], 69, ["127.0.0.1"]),
      ] {
        expectError(try lantern(arguments, in: folder), code: code, words, "\(arguments)")
      }
    }
  }
}
