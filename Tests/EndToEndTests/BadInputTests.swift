import Foundation
import TestSupport
import Testing

/// What people mistype and machines refuse: one line, an exit code, nothing half written.
@Suite("Bad input") struct BadInputTests {
  /// Draws with the tiny model, and expects the one line and no file.
  private func expectRefusal(
    _ arguments: [String], code: Int32, hints: [String], output: String = "fox.png"
  ) throws {
    try withTemporaryFolder { folder in
      let found = try Program.run(
        ["image", "a fox", "-m", Program.model, "-o", output] + arguments, in: folder)
      expect(found, code: code, hints: hints)
      #expect(try names(in: folder).isEmpty)
    }
  }

  private func expect(_ found: Program.Result, code: Int32, hints: [String]) {
    #expect(found.exited && found.code == code, "\(found.code): \(found.errors)")
    // Usage follows an error of the command line's own.
    let errors = found.errorLines.filter { $0.hasPrefix("Error:") }
    #expect(errors.count == 1, "\(found.errors)")
    for hint in hints { #expect(errors.first?.contains(hint) ?? false, "\(hint): \(errors)") }
    #expect(found.output.isEmpty)
  }

  @Test(
    "sizes that cannot be are refused",
    arguments: ["0", "-8", "7", "60", "100000", "9223372036854775807"])
  func sizes(size: String) throws {
    try expectRefusal(["-W", size], code: 64, hints: ["width", size])
    try expectRefusal(["--height=\(size)"], code: 64, hints: ["height", size])
  }

  @Test("numbers of steps that cannot be are refused", arguments: ["0", "-1", "10000"])
  func steps(count: String) throws {
    try expectRefusal(["--steps", count], code: 64, hints: ["steps", count])
  }

  @Test("values that make no sense are refused and the nearest name suggested")
  func values() throws {
    try expectRefusal(["--sampler", "dpmp2m"], code: 64, hints: ["dpmp2m", "dpm++2m"])
    try expectRefusal(["--schedule", "karas"], code: 64, hints: ["karas", "karras"])
    try expectRefusal(["-g", "nan"], code: 64, hints: ["guidance"])
    try expectRefusal(["-t", "0"], code: 64, hints: ["threads"])
    try expectRefusal(["-b", "0"], code: 64, hints: ["count"])
    try expectRefusal(["--clip-skip", "99"], code: 64, hints: ["clip"])
    try expectRefusal(["--stepz", "3"], code: 64, hints: ["--stepz", "--steps"])
  }

  @Test("files that are named and not there, or not pictures, are refused")
  func files() throws {
    try expectRefusal(["-i", "none.png"], code: 66, hints: ["none.png"])
    try expectRefusal(
      ["-i", Program.model + "/model_index.json"], code: 65, hints: ["model_index"])
    try expectRefusal(["-m", "nowhere"], code: 66, hints: ["nowhere"])
    try expectRefusal(["--like", "none.png"], code: 66, hints: ["none.png"])
  }

  @Test("prompts may be empty, or of 100 kB")
  func prompts() throws {
    for prompt in ["", String(repeating: "fox (", count: 20_000), "🦊\u{1}\u{FFFD}"] {
      try withTemporaryFolder { folder in
        try prompt.write(toFile: "\(folder)/prompt", atomically: false, encoding: .utf8)
        let found = try Program.run(
          ["image", "-p", "@prompt", "-m", Program.model, "--steps", "1"], in: folder)
        #expect(found.code == 0, "\(found.errors)")
        #expect(try names(in: folder) == ["picture.png", "prompt"])
      }
    }
  }

  @Test("a prompt that is not UTF-8 is refused, typed or in a file")
  func encoding() throws {
    try withTemporaryFolder { folder in
      let typed = try Program.shell(
        #""$lantern" image "$(printf 'fox \377')" -m "$model" -o fox.png"#, in: folder)
      expect(typed, code: 64, hints: ["UTF-8"])
      #expect(try names(in: folder).isEmpty)
      try Data([0x66, 0xFF]).write(to: URL(fileURLWithPath: "\(folder)/prompt"))
      let read = try Program.run(
        ["image", "-p", "@prompt", "-m", Program.model, "-o", "fox.png"], in: folder)
      expect(read, code: 65, hints: ["prompt", "UTF-8"])
      #expect(try names(in: folder) == ["prompt"])
    }
  }

  @Test("an output folder that is not there, is a file, or cannot be written to is refused at once")
  func outputs() throws {
    try expectRefusal([], code: 73, hints: ["nowhere"], output: "nowhere/fox.png")
    try expectRefusal([], code: 64, hints: ["fox.gif", ".png"], output: "fox.gif")
    try withTemporaryFolder { folder in
      try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
      let found = try Program.run(
        ["image", "a fox", "-m", Program.model, "-o", "file/fox.png"], in: folder)
      expect(found, code: 73, hints: ["file"])
    }
    #if os(Linux)
      try expectRefusal([], code: 73, hints: ["/proc"], output: "/proc/fox.png")
    #endif
  }

  @Test("a disk that is full leaves nothing behind")
  func fullDisk() throws {
    try withTemporaryFolder { folder in
      // No file may grow: writing fails as it does on a full disk.
      let found = try Program.shell(
        #"trap '' XFSZ; ulimit -f 0; "$lantern" image fox -m "$model" --steps 1 -o fox.png 2>&1 | cat >&2; "#
          + #"true"#, in: folder)
      #expect(found.errors.contains("fox.png"), "\(found.errors)")
      #expect(try names(in: folder).isEmpty)
    }
  }

  @Test("Ctrl-C stops within a step, with exit code 130 and no file")
  func interruption() throws {
    try withTemporaryFolder { folder in
      let found = try Program.interrupted(
        [
          "image", "fox", "-m", Program.model, "--json", "--steps", "999", "-W", "256", "-H", "256",
        ],
        in: folder)
      #expect(found.exited && found.code == 130, "\(found.code): \(found.errors)")
      #expect(try names(in: folder).isEmpty)
    }
  }
}
