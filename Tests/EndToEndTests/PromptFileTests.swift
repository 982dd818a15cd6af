import Foundation
import LanternFormats
import TestSupport
import Testing

/// `lantern image --prompts`: a prompt a line.
@Suite("Prompts from a file") struct PromptFileTests {
  @Test(
    "each prompt is drawn from the same seeds, under numbered names; comments and empty lines are none"
  )
  func drawn() throws {
    try TinyModel.copied { model in
      try Data("# mine\na red fox\r\n\n  \n  # another\na cat\n".utf8)
        .write(to: URL(fileURLWithPath: model.out + "/p.txt"))
      let run = try model.draw("--prompts", "p.txt", "-b", "2", "-s", "7", "--json", "-o", "x.png")
      #expect(run.code == 0, "\(run.errors)")
      let pictures = try run.events().filter { $0["event"]?.string == "picture" }
      #expect(pictures.map { $0["path"]?.string } == (1...4).map { "x-00\($0).png" })
      #expect(pictures.map { $0["seed"]?.integer } == [7, 8, 7, 8])
      var prompts: [String?] = []
      for picture in pictures {
        prompts.append(picture["recipe"]?.object?["prompt"]?.string)
      }
      #expect(prompts == ["a red fox", "a red fox", "a cat", "a cat"])
      #expect(try model.draw("a cat", "-s", "8", "-q", "-o", "one.png").code == 0)
      func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(model.out)/\(name)"))
      }
      #expect(try bytes("one.png") == bytes("x-004.png"), "as if it were drawn alone")
    }
  }

  @Test("several processes share the pictures, each under its number, as if one drew all")
  func shared() throws {
    try TinyModel.copied { model in
      try Data("a fox\na cat\nan owl\n".utf8)
        .write(to: URL(fileURLWithPath: model.out + "/p.txt"))
      func draw(_ more: String..., environment: [String: String] = [:]) throws -> Program.Run {
        let options = ["image", "-m", model.path, "--steps", "1", "--prompts", "p.txt", "-s", "7"]
        return try Program.run(options + more, in: model.out, environment: environment)
      }
      #expect(try draw("-o", "a-%d.png").code == 0)
      let first = try draw("-o", "b-%d.png", "--share", "1/2")
      #expect(first.output == "b-1.png\nb-3.png\n", "\(first.errors)")
      let second = try draw(
        "-o", "b-%d.png",
        environment: ["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"])
      #expect(second.output == "b-2.png\n" && second.errors.contains("process 2 of 2"))
      for number in 1...3 {
        let bytes = try ["a", "b"].map {
          try Data(contentsOf: URL(fileURLWithPath: "\(model.out)/\($0)-\(number).png"))
        }
        #expect(bytes[0] == bytes[1])
      }
      let none = try model.draw("a fox", "--share", "2/2")
      #expect(none.code == 0 && none.output.isEmpty && none.errors.contains("draws 0 of 1"))
      expectError(try model.draw("a fox", "--share", "3/2"), code: 64, ["3/2", "1/4"])
    }
  }

  @Test("of variants in braces the seed takes one, which the picture's recipe has")
  func variants() throws {
    try TinyModel.copied { model in
      let run = try model.draw(
        "a {red|blue} {fox|{big|small} owl}", "--variants", "-b", "8", "--json")
      let prompts = try run.events().filter { $0["event"]?.string == "picture" }
        .compactMap { $0["recipe"]?.object?["prompt"]?.string }
      #expect(prompts.count == 8 && Set(prompts).count > 2, "\(prompts)")
      #expect(prompts.allSatisfy { !$0.contains("{") && !$0.contains("|") })
      expectError(try model.draw("a {red|blue", "--variants"), code: 64, ["{red|blue}"])
    }
  }

  @Test("- is standard input, a pipe or a file, for -p too", arguments: ["--prompts -", "-p @-"])
  func standardInput(_ option: String) throws {
    try withTemporaryFolder { folder in
      let run = try Program.run(
        ["image", "-m", fixture("tiny_model"), "--steps", "1", "-q", "-o", "a-%d.png"], in: folder,
        shell: "echo 'a fox' | \"$@\" \(option)")
      #expect(run.code == 0 && run.output == "a-1.png\n", "\(run.errors)")
      let file = try Program.run(
        ["image", "-m", fixture("tiny_model"), "--steps", "1", "-q", "-o", "b-%d.png"]
          + option.split(separator: " ").map(String.init), in: folder, input: "a fox\n")
      #expect(file.code == 0 && file.output == "b-1.png\n", "\(file.errors)")
    }
  }

  @Test("a file without a prompt, or that is no text, is refused before anything is drawn")
  func refused() throws {
    try TinyModel.copied { model in
      for (name, bytes) in [
        ("empty", []), ("comment", Array("# x\n".utf8)), ("binary", [0xFF, 0]),
      ]
        as [(String, [UInt8])]
      {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(model.out)/\(name)"))
      }
      expectError(try model.draw("--prompts", "empty"), code: 64, ["empty", "no prompt"])
      expectError(try model.draw("--prompts", "comment"), code: 64, ["comment", "no prompt"])
      expectError(try model.draw("--prompts", "binary"), code: 65, ["binary", "UTF-8"])
      expectError(try model.draw("--prompts", "none"), code: 66, ["none"])
      expectError(
        try model.draw("--prompts", "empty", "--trace", "t"), code: 64, ["empty", "no prompt"])
    }
  }
}
