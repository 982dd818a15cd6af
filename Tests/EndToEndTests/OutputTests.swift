import Foundation
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
        expectError(
          try model.draw("fox", "--preview-interval", "1", option, path), code: 73,
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
      expectError(try model.draw("fox", "-o", "a.png", shell: shell), code: 73, ["a.png"])
      expectError(
        try model.draw("fox", "--trace", "t.safetensors", shell: shell), code: 73, ["t.safetensors"]
      )
      #expect(try model.written == ["a.png"])
      #expect(
        try String(contentsOfFile: model.out + "/a.png", encoding: .utf8) == "old",
        "what was there before is unchanged")
    }
  }

  @Test("Ctrl-C half way ends with exit code 130 and leaves nothing")
  func interrupted() throws {
    try TinyModel.copied { model in
      let run = try model.draw(
        "fox", "--json", "-b", "100", steps: 1000, interruptedAt: "\"step\":2}")
      #expect(run.code == 130)
      #expect(run.errors == "stopped\n")
      #expect(try model.written.isEmpty)
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
