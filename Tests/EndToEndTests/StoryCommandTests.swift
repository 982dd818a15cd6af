import Foundation
import LanternFormats
import LanternPictures
import TestSupport
import Testing

/// `lantern story`, `caption` and `paint`, as a person runs them.
@Suite struct StoryCommandTests {
  private func withFolder(_ body: (_ root: String) throws -> Void) throws {
    try withTemporaryFolder { root in
      try TinyStoryteller.write(to: root + "/model")
      try body(root)
    }
  }

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test("a story is words on standard output, and a folder of Markdown, HTML and pictures")
  func story() throws {
    try withFolder { root in
      let run = try Program.run(
        [
          "story", "a story about a fox", "-m", "model", "-o", "a/book", "--begin",
          "There was a fox.", "--begin", "It slept.", "-s", "42",
        ], in: root)
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.output == "There was a fox.\nIt slept.\n")
      #expect(
        try names(root + "/a/book") == ["01.png", "02.png", "story.html", "story.json", "story.md"])
      let html = try String(contentsOfFile: root + "/a/book/story.html", encoding: .utf8)
      #expect(html.components(separatedBy: "data:image/png;base64,").count == 3)
      #expect(run.errors.contains("a/book/story.html"))
      let metadata = try PictureMetadata(contentsOf: root + "/a/book/02.png")
      #expect(metadata["parameters"]?.contains("Page: 2, Seed: 42, Model: model") == true)
    }
  }

  @Test("--json gives an event a line: load, text, step, page, end")
  func json() throws {
    try withFolder { root in
      let run = try Program.run(
        ["story", "a fox", "-m", "model", "--json", "--pages", "1", "--image-steps", "2"], in: root)
      let seeds = try run.events().compactMap { $0["seed"]?.unsigned }
      #expect(seeds.count == 3 && Set(seeds).count == 1, "load, page and end tell the seed")
      #expect(run.code == 0, "\(run.errors)")
      let kinds = try run.events().compactMap { $0["event"]?.string }
      #expect(kinds.first == "load" && kinds.last == "end")
      #expect(kinds.filter { $0 == "step" }.count == 2)
      #expect(kinds.filter { $0 == "page" }.count == 1)
      #expect(kinds.contains("text"))
      #expect(run.errors.isEmpty)
    }
  }

  @Test(
    "a folder that holds a story, or a picture of its pages' names, is kept: the next gets a number"
  )
  func keepsStories() throws {
    try withFolder { root in
      func tell(_ more: String...) throws -> Program.Run {
        try Program.run(
          ["story", "a fox", "-m", "model", "--pages", "1", "--image-steps", "2"] + more, in: root)
      }
      for folder in ["story", "story-2", "story-3"] {
        #expect(try tell().errors.contains("\n\(folder)/story.html\n"))
      }
      try FileManager.default.createDirectory(
        atPath: root + "/mine", withIntermediateDirectories: false)
      try Data("x".utf8).write(to: URL(fileURLWithPath: root + "/mine/17.png"))
      let run = try tell("-o", "mine/")
      #expect(run.errors.contains("note: mine/ is there already, so this is mine-2;"))
      #expect(try names(root + "/mine") == ["17.png"])
      #expect(try tell("-o", "mine", "--overwrite").errors.contains("\nmine/story.html\n"))
      #expect(
        try names(root + "/mine") == ["01.png", "17.png", "story.html", "story.json", "story.md"])
      // A story that never had a page leaves nothing.
      expectError(
        try tell("-o", "never", "--begin", String(repeating: "fox ", count: 4000)), code: 64,
        ["tokens"])
      #expect(!FileManager.default.fileExists(atPath: root + "/never"))
    }
  }

  @Test("Ctrl-C half way leaves the finished pages readable and nothing half written")
  func interruption() throws {
    try withFolder { root in
      let run = try Program.run(
        [
          "story", "a fox", "-m", "model", "-o", "book", "--json", "--pages", "3",
          "--image-steps", "900",
        ], in: root, interruptedAt: "\"page\":2")
      #expect(run.code == 130)
      #expect(run.errors.hasSuffix("stopped\n"))
      #expect(try names(root + "/book") == ["01.png", "story.html", "story.json", "story.md"])
      let markdown = try String(contentsOfFile: root + "/book/story.md", encoding: .utf8)
      #expect(markdown.contains("(01.png)") && !markdown.contains("(02.png)"))
      _ = try Picture(contentsOf: root + "/book/01.png")
    }
  }

  @Test("a disk that fills up in the middle ends in one line, and what is finished stays whole")
  func fullDisk() throws {
    try withFolder { root in
      // Four blocks of 512 bytes: room for the small pictures, not for the page.
      let run = try Program.run(
        ["story", "a fox", "-m", "model", "-o", "book", "-s", "1"], in: root,
        shell: "ulimit -f 4; exec \"$@\"")
      #expect(run.code == 73, "\(run.errors)")
      #expect(run.errorLines.last?.hasPrefix("Error: book/story.html: ") == true)
      #expect(try names(root + "/book") == ["01.png", "story.json", "story.md"])
    }
  }

  @Test("paint draws as many pictures as are wanted, each with the next seed")
  func several() throws {
    try withFolder { root in
      func paint(_ arguments: String...) throws -> [[String: JSONValue]] {
        let run = try Program.run(
          ["paint", "a fox", "-m", "model", "--steps", "1", "--json"] + arguments, in: root)
        #expect(run.code == 0, "\(run.errors)")
        return try run.events().filter { $0["event"]?.string == "picture" }
      }
      let both = try paint("-b", "2", "-s", "7", "-o", "a.png")
      #expect(both.compactMap { $0["path"]?.string } == ["a-001.png", "a-002.png"])
      #expect(both.compactMap { $0["seed"]?.unsigned } == [7, 8])
      _ = try paint("-s", "8", "-o", "b.png")
      let pixels = try ["a-001.png", "a-002.png", "b.png"].map {
        try Picture(contentsOf: root + "/" + $0).pixels
      }
      #expect(pixels[1] == pixels[2] && pixels[0] != pixels[1])
    }
  }

  @Test(
    "a mistake is one line of error and exit code 64",
    arguments: [
      ["story"], ["story", "x", "--pages", "0"], ["story", "x", "--schedule", "cosy"],
      ["story", "x", "--begin-image", "a.png"], ["story", "x", "--top-p", "2"],
      ["story", "x", "--seed", "two"], ["caption"], ["paint", "x", "--extend", "up"],
      ["paint", "x", "-i", "a.png"], ["paint", "x", "-i", "a.png", "--extend", "out"],
      ["paint", "x", "-t", "0"], ["paint", "x", "--no-paste"],
    ])
  func mistakes(arguments: [String]) throws {
    try withFolder { root in
      let model = arguments.count > 1 ? ["-m", "model"] : []
      let run = try Program.run(arguments + model, in: root)
      #expect(run.code == 64, "\(run.errors)")
      #expect(run.errorLines.count == 1 && run.errors.hasPrefix("Error: "), "\(run.errors)")
    }
  }

  @Test(
    "words that do not fit are refused before work begins: exit code 64, the most, and no file",
    arguments: [
      ["story", "LONG"], ["story", "x", "--begin", "A fox.", "--begin", "LONG"],
      ["caption", "a.png", "--ask", "LONG"], ["paint", "LONG"],
    ])
  func longWords(arguments: [String]) throws {
    try withFolder { root in
      try Picture(width: 2, height: 2, pixels: [UInt8](repeating: 9, count: 12))
        .write(to: root + "/a.png")
      let long = String(repeating: "fox ", count: 700)
      let run = try Program.run(
        arguments.map { $0 == "LONG" ? long : $0 } + ["-m", "model"], in: root)
      expectError(run, code: 64, ["tokens and the model takes"])
      #expect(try names(root) == ["a.png", "model"])
    }
  }

  @Test("a story longer than the model was trained for is told, and that it is one is said first")
  func longStory() throws {
    try withFolder { root in
      try #"{"interleaved": true, "image_steps": 1, "trained_pages": 2}"#
        .write(toFile: root + "/model/lantern.json", atomically: false, encoding: .utf8)
      let run = try Program.run(
        ["story", "a fox", "-m", "model", "--json", "--pages", "40"], in: root)
      #expect(run.code == 0, "\(run.errors)")
      let events = try run.events()
      let note = try #require(events.firstIndex { $0["event"]?.string == "note" })
      #expect(events[note]["text"]?.string?.contains("trained on stories of 2 pages") == true)
      #expect(try #require(events.firstIndex { $0["event"]?.string == "text" }) > note)
      #expect(events.filter { $0["event"]?.string == "page" }.count == 40)
    }
  }

  @Test("two stories that replace one another's pages do not mix: the second is told to wait")
  func sharedFolder() throws {
    try withFolder { root in
      try FileManager.default.createDirectory(
        atPath: root + "/book", withIntermediateDirectories: true)
      let lock = try FolderLock(root + "/book")
      let run = try Program.run(
        ["story", "a fox", "-m", "model", "-o", "book", "--overwrite"], in: root)
      #expect(run.code == 75 && run.errors.contains("book"), "\(run.errors)")
      _ = consume lock
      #expect(
        try Program.run(
          ["story", "a fox", "-m", "model", "-o", "book", "--overwrite", "--pages", "1"], in: root
        ).code == 0)
    }
  }

  @Test("a folder that is no such model, or a damaged one, is one line of error")
  func damagedModels() throws {
    try withFolder { root in
      let manager = FileManager.default
      for (change, code) in [
        ({ try manager.removeItem(atPath: "\(root)/model/config.json") }, 66),
        (
          {
            try "{".write(toFile: "\(root)/model/config.json", atomically: false, encoding: .utf8)
          }, 65
        ),
        (
          {
            try Data(repeating: 255, count: 100).write(
              to: URL(fileURLWithPath: "\(root)/model/magvitv2/model.safetensors"))
          }, 65
        ),
        (
          {
            try "x y z\n".write(
              toFile: "\(root)/model/llm/merges.txt", atomically: false, encoding: .utf8)
          }, 65
        ),
      ] as [(() throws -> Void, Int32)] {
        try manager.removeItem(atPath: "\(root)/model")
        try TinyStoryteller.write(to: root + "/model")
        try change()
        let run = try Program.run(["story", "a fox", "-m", "model", "-o", "book"], in: root)
        #expect(run.code == code, "\(run.errors)")
        #expect(run.errorLines.count == 1 && run.errors.hasPrefix("Error: model/"), "\(run.errors)")
        #expect(!manager.fileExists(atPath: root + "/book"))
      }
    }
  }

  @Test("captions of pictures of any size and format, and one line for what is no picture")
  func captions() throws {
    try withFolder { root in
      let picture = try Picture(
        width: 37, height: 5, pixels: (0..<555).map { UInt8(truncatingIfNeeded: $0) })
      try picture.write(to: root + "/a.png")
      try picture.write(to: root + "/b.jpg")
      let run = try Program.run(["caption", "a.png", "b.jpg", "-m", "model", "--json"], in: root)
      #expect(run.code == 0, "\(run.errors)")
      #expect(try run.events().compactMap { $0["path"]?.string } == ["a.png", "b.jpg"])
      try "no picture".write(toFile: root + "/c.png", atomically: false, encoding: .utf8)
      let bad = try Program.run(["caption", "c.png", "-m", "model"], in: root)
      #expect(bad.code == 65 && bad.errorLines.count == 1)
    }
  }

  @Test("a latent-diffusion model may draw in the transformer's place, after its captions")
  func illustrator() throws {
    try withFolder { root in
      let run = try Program.run(
        ["story", "a fox", "-m", "model", "--illustrator", fixture("tiny_model"), "--json"],
        in: root)
      #expect(run.code == 0, "\(run.errors)")
      let pages = try run.events().filter { $0["event"]?.string == "page" }
      #expect(pages.count == 2 && pages.allSatisfy { $0["caption"]?.string != nil })
      let drawn = try Picture(contentsOf: root + "/story/01.png")
      #expect(drawn.width > 8, "not the transformer's picture")
    }
  }

  @Test("paint draws, mends and extends")
  func painting() throws {
    try withFolder { root in
      #expect(try Program.run(["paint", "a fox", "-m", "model"], in: root).code == 0)
      let wide = try Program.run(
        [
          "paint", "a fox", "-m", "model", "-i", "picture.png", "--extend", "left", "-o",
          "wide.png",
        ],
        in: root)
      #expect(wide.code == 0, "\(wide.errors)")
      #expect(try Picture(contentsOf: root + "/wide.png").width == 12)
      let mended = try Program.run(
        [
          "paint", "a fox", "-m", "model", "-i", "picture.png", "--mask", "picture.png", "-o",
          "m.jpg",
        ],
        in: root)
      #expect(mended.code == 0, "\(mended.errors)")
    }
  }
}
