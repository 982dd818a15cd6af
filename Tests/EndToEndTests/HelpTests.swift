import Foundation
import LanternFormats
import TestSupport
import Testing

/// What help and README say, and that it works.
@Suite("Help") struct HelpTests {
  @Test("help is wrapped once: a paragraph is one line until the terminal's width is known")
  func wrapping() throws {
    for command in try CommandTable.commands() {
      for paragraph in command.discussion.components(separatedBy: "\n\n") {
        let lines = paragraph.split(separator: "\n")
        let areExamples = lines.allSatisfy { $0.hasPrefix("lantern ") }
        #expect(lines.count <= 1 || areExamples, "lantern \(command.name): \(paragraph)")
        // A line that is cut cannot be pasted.
        if areExamples { #expect(lines.allSatisfy { $0.count <= 80 }, "\(paragraph)") }
      }
      let arguments = command.name.split(separator: " ").map(String.init) + ["--help"]
      let help = try Program.run(arguments, in: "/", environment: ["COLUMNS": "80"])
      #expect(help.code == 0)
      // The argument parser wraps everything but the usage.
      for line in help.output.split(separator: "\n") where !line.hasPrefix("USAGE:") {
        #expect(line.count <= 80, "\(line)")
      }
    }
  }

  @Test("every option that takes a value says what holds without it")
  func defaults() throws {
    for command in try CommandTable.commands() {
      for (name, facts) in command.options where facts["kind"]?.string == "option" {
        let says = facts["abstract"]?.string?.contains("(default: ") == true
        let has = facts["defaultValue"]?.string != nil
        #expect(says != has, "lantern \(command.name) \(name)")
      }
    }
  }

  @Test("options stand in groups where there are many")
  func groups() throws {
    for command in try CommandTable.commands() where command.options.count > 12 {
      let titled = command.options.filter { $0.facts["sectionTitle"]?.string != nil }
      #expect(2 * titled.count > command.options.count, "lantern \(command.name)")
    }
  }

  @Test("the examples in help work when they are pasted, one after the other")
  func examples() throws {
    for command in try CommandTable.commands() {
      let lines = command.discussion.split(separator: "\n").map(String.init).filter {
        // A server runs until it is stopped: ServeCommandTests.
        $0.hasPrefix("lantern ") && !$0.contains("FOLDER") && !$0.contains("OWNER")
          && !$0.hasPrefix("lantern serve")
      }
      try withTemporaryFolder { folder in
        // The one file that help says is the reader's own.
        try FileManager.default.copyItem(
          atPath: repositoryPath("samples/below.png"), toPath: folder + "/right.png")
        for line in lines { try paste(line, in: folder) }
      }
    }
  }

  @Test("README's commands work when they are pasted, one after the other")
  func readme() throws {
    let text = try String(contentsOfFile: repositoryPath("README.md"), encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init).filter {
      $0.hasPrefix("lantern ") && !$0.contains("FOLDER") && !$0.contains("OWNER")
    }
    #expect(lines.count > 15)
    try withTemporaryFolder { folder in
      for name in ["samples", "weights"] {
        try FileManager.default.createSymbolicLink(
          atPath: folder + "/" + name, withDestinationPath: repositoryPath(name))
      }
      for line in lines { try paste(line, in: folder) }
    }
  }

  /// Runs a line as a shell does; of what measures for minutes, that the program understands it.
  private func paste(_ line: String, in folder: String) throws {
    let isBench = line.hasPrefix("lantern bench ")
    let isReport = line.hasPrefix("lantern bench report ")
    let rest = isBench && !isReport ? "\(line.prefix { $0 != "#" }) --threads 0" : line
    let run = try Program.run(
      [], in: folder, shell: "program=$1; lantern() { \"$program\" \"$@\"; }; \(rest)",
      limit: 300)
    if isReport {
      expectError(run, code: 66, ["results.json"])
    } else if isBench {
      expectError(run, code: 64, ["threads 0"], line)
    } else {
      // A trace of one thread may part from that of two by nothing at all.
      #expect(run.code == 0, "\(line): \(run.errors)")
    }
  }
}
