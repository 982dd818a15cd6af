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
