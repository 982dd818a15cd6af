import Foundation
import TestSupport
import Testing

@Suite("What cannot be written is told, and nothing half done is left behind")
struct OutputTests {
  @Test(
    "a folder that is missing, a file or closed",
    arguments: ["none/a.png", "file/a.png", "/proc/a.png"]
  )
  func folders(_ path: String) throws {
    if path.hasPrefix("/proc"), !FileManager.default.fileExists(atPath: "/proc/self") { return }
    try TinyModel.copied { model in
      try Data().write(to: URL(fileURLWithPath: model.out + "/file"))
      for option in ["-o", "--preview"] {
        let everyStep = option == "--preview" ? "--preview-interval=1" : "--quiet"
        expectError(
          try model.draw("fox", everyStep, option, path), code: 73,
          [path, "cannot be written"], option)
        #expect(try model.written == ["file"])
      }
    }
  }

  @Test("a folder in the picture's place")
  func folderInPlace() throws {
    try TinyModel.copied { model in
      try FileManager.default.createDirectory(
        atPath: model.out + "/a.png", withIntermediateDirectories: false)
      expectError(try model.draw("fox", "-o", "a.png"), code: 73, ["a.png", "directory"])
    }
  }

  @Test("a folder that may not be written to", .enabled(if: getuid() != 0))
  func closedFolder() throws {
    try TinyModel.copied { model in
      let manager = FileManager.default
      try manager.setAttributes([.posixPermissions: 0o555], ofItemAtPath: model.out)
      expectError(try model.draw("fox", "-o", "a.png"), code: 73, ["a.png", "denied"])
      try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: model.out)
      #expect(try model.written.isEmpty)
    }
  }

  @Test("a full disk", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDisk() throws {
    try TinyModel.copied { model in
      let path = model.out + "/full.png"
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
      expectError(try model.draw("fox", "-o", path), code: 73, [path, "free some space"])
      #expect(try model.written == ["full.png"])
    }
  }

  @Test("a limit on the size of files, reached in the midst of a picture or a trace")
  func sizeLimit() throws {
    try TinyModel.copied { model in
      try Data("old".utf8).write(to: URL(fileURLWithPath: model.out + "/a.png"))
      let shell = "ulimit -f 8; exec \"$@\""
      expectError(
        try model.draw("fox", "-o", "a.png", "--overwrite", shell: shell), code: 73, ["a.png"])
      expectError(
        try model.draw("fox", "--trace", "t.safetensors", shell: shell), code: 73, ["t.safetensors"]
      )
      #expect(try model.written == ["a.png"])
      #expect(
        try String(contentsOfFile: model.out + "/a.png", encoding: .utf8) == "old",
        "what was there before is unchanged")
    }
  }

  @Test(
    "Ctrl-C, SIGTERM and SIGHUP half way end with 128 and the signal's number, and leave nothing",
    arguments: [SIGINT, SIGTERM, SIGHUP])
  func interrupted(signal: Int32) throws {
    try TinyModel.copied { model in
      let run = try model.draw(
        "fox", "--json", "-b", "100", steps: 1000, interruptedAt: "\"step\":2}", signal: signal)
      #expect(run.code == 128 + signal)
      #expect(run.errors == "stopped\n")
      #expect(try model.written.isEmpty)
    }
  }

  @Test("what nohup starts goes on after a hangup")
  func nohup() throws {
    try TinyModel.copied { model in
      let run = try model.draw(
        "fox", "--json", steps: 300, shell: "trap '' HUP; exec \"$@\"",
        interruptedAt: "\"step\":2}", signal: SIGHUP)
      #expect(run.code == 0)
      #expect(try model.written == ["picture.png"])
    }
  }

  @Test("a picture half written by a program that was killed is gone after the next one")
  func killed() throws {
    try TinyModel.copied { model in
      let stray = ".picture.png.4711.partial"
      try Data("half".utf8).write(to: URL(fileURLWithPath: "\(model.out)/\(stray)"))
      #expect(try model.draw("fox").code == 0)
      #expect(try model.written == ["picture.png"])
    }
  }

  @Test(
    "standard output that takes no more is a failure: one line, and exit code 74",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")),
    arguments: [
      ["--help"], ["--version"], ["image", "--help"], ["--generate-completion-script", "bash"],
      ["samplers"], ["samplers", "--json"], ["schedule", "-m", "model"],
      ["inspect", "model"], ["inspect", "out/a.png"],
      ["image", "fox", "-m", "model", "--steps", "1", "-o", "out/b.png"],
      ["image", "fox", "-m", "model", "--steps", "1", "-o", "out/b.png", "--json"],
      ["story", "fox", "-m", "story", "--pages", "1", "-o", "out/book"],
      ["story", "fox", "-m", "story", "--pages", "1", "-o", "out/book", "--json"],
      ["caption", "out/a.png", "-m", "story"], ["caption", "out/a.png", "-m", "story", "--json"],
      ["paint", "fox", "-m", "story", "-o", "out/b.png"],
      ["sheet", "out/a.png", "out/a.png", "-o", "out/b.png"],
      ["trace", "out/a.trace", "out/a.trace"],
    ])
  func fullOutput(arguments: [String]) throws {
    try TinyModel.copied { model in
      try TinyStoryteller.write(to: model.root + "/story")
      let drawn = try model.draw("fox", "-o", "a.png", "--trace", "a.trace")
      #expect(drawn.code == 0)
      let run = try Program.run(arguments, in: model.root, shell: "exec \"$@\" >/dev/full")
      #expect(run.code == 74, "\(run.errors)")
      let errors = run.errorLines.filter { $0.hasPrefix("Error: ") }
      #expect(errors.count == 1 && errors.first == run.errorLines.last, "\(run.errors)")
      #expect(errors.first?.contains("standard output: cannot be written: No space left") == true)
    }
  }

  @Test("standard output that is closed is told, and takes no file's place")
  func noOutput() throws {
    try TinyModel.copied { model in
      let run = try model.draw("fox", shell: "exec \"$@\" >&- 2>\(model.root)/errors <&-")
      #expect(run.code == 74)
      let errors = try String(contentsOfFile: model.root + "/errors", encoding: .utf8)
      #expect(errors.contains("standard output: cannot be written: Bad file descriptor"))
      let silent = try model.draw("fox", "--json", shell: "exec \"$@\" >/dev/null 2>&-")
      #expect(silent.code == 0)
    }
  }

  @Test("a picture is drawn to its end when nobody reads standard output any more")
  func closedOutput() throws {
    try TinyModel.copied { model in
      let run = try model.draw("fox", "--json", steps: 20, shell: "\"$@\" | head -n 1")
      #expect(run.code == 0 && run.output.contains("\"load\""))
      // `head` is gone before the picture is done.
      for _ in 0..<1000 where try model.written.isEmpty { usleep(10_000) }
      #expect(try model.written == ["picture.png"])
    }
  }
}
