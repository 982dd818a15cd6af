import Foundation
import LanternFormats
import Testing

/// The built program, as a person runs it.
enum Program {
  /// What a run left behind.
  struct Run {
    /// The exit code; nil when a signal ended the program, as a trap does.
    let code: Int32?
    let output: String
    let errors: String

    /// The lines of standard error.
    var errorLines: [Substring] { errors.split(separator: "\n") }

    /// The events on standard output, one in a line.
    func events() throws -> [[String: JSONValue]] {
      try output.split(separator: "\n").map { line in
        let value = try Array(line.utf8).withUnsafeBytes { try JSON.parse($0, file: "event") }
        return try #require(value.object)
      }
    }
  }

  /// Where it is: beside the bundle of tests.
  static let path: String = {
    #if os(macOS)
      let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? .main
      let folder = bundle.bundleURL.deletingLastPathComponent()
    #else
      let folder = Bundle.main.bundleURL
    #endif
    return folder.appendingPathComponent("lantern").path
  }()

  /// Runs it to its end.
  ///
  /// - Parameters:
  ///   - arguments: those of the command.
  ///   - folder: where it runs.
  ///   - shell: a command of `sh` that ends in `"$@"` to run it with; none when nil.
  ///   - input: what it reads on standard input.
  ///   - environment: more variables for it.
  ///   - interruptedAt: ask it to end when this stands on standard output.
  ///   - signal: how it is asked; Ctrl-C by default.
  ///   - interruption: what to do before the signal.
  ///   - seconds: how long it may take.
  /// - Returns: its exit code and what it printed.
  /// - Throws: what Foundation throws where the program cannot run.
  static func run(
    _ arguments: [String], in folder: String, shell: String? = nil, input: String = "",
    environment: [String: String] = [:], interruptedAt: String? = nil, signal: Int32 = SIGINT,
    interruption: (() throws -> Void)? = nil, limit seconds: Double = 60
  ) throws -> Run {
    var environment = ProcessInfo.processInfo.environment
      .filter { !$0.key.hasPrefix("LANTERN_") }
      .merging(environment) { _, new in new }
    environment["PWD"] = folder
    return try withTemporaryFiles { files in
      try Data(input.utf8).write(to: files.input)
      let child = try Child(
        shell == nil ? path : "/bin/sh",
        (shell.map { ["-c", $0, "sh", path] } ?? []) + arguments, in: folder, environment,
        input: files.input.path, output: files.output.path, errors: files.errors.path)
      if let interruptedAt {
        try wait(for: interruptedAt, in: files.output)
        defer { kill(child.id, signal) }
        try interruption?()
      }
      var code = child.wait(seconds: seconds)
      if code == nil {
        kill(child.id, SIGKILL)
        code = child.wait(seconds: .infinity)
        Issue.record("did not end within \(seconds) s: lantern \(arguments.joined(separator: " "))")
      }
      return Run(
        code: code ?? nil,
        output: String(decoding: try Data(contentsOf: files.output), as: UTF8.self),
        errors: String(decoding: try Data(contentsOf: files.errors), as: UTF8.self))
    }
  }

  private static func wait(for text: String, in file: URL) throws {
    for _ in 0..<3000 {
      if String(decoding: try Data(contentsOf: file), as: UTF8.self).contains(text) { return }
      usleep(10_000)
    }
    Issue.record("\"\(text)\" never came")
  }

  /// Files instead of pipes: nothing has to be read while the program runs.
  private static func withTemporaryFiles<Result>(
    _ body: ((input: URL, output: URL, errors: URL)) throws -> Result
  ) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lantern-run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["in", "out", "err"].map { folder.appendingPathComponent($0) }
    for file in files { try Data().write(to: file) }
    return try body((files[0], files[1], files[2]))
  }
}

/// Records an issue unless a run failed as it should: with this exit code, one line of error that
/// holds `words` and says what to do, and nothing on standard output.
func expectError(
  _ run: Program.Run, code: Int32, _ words: [String], _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let found = "\(comment) \(run.code.map { "exit code \($0)" } ?? "a signal"): \(run.errors)"
  #expect(run.code == code, "\(found)", sourceLocation: sourceLocation)
  #expect(run.output.isEmpty, "\(found)", sourceLocation: sourceLocation)
  let lines = run.errorLines.filter { !$0.hasPrefix("step ") }
  #expect(lines.count == 1, "\(found)", sourceLocation: sourceLocation)
  let line = lines.last ?? ""
  #expect(line.hasPrefix("Error: "), "\(found)", sourceLocation: sourceLocation)
  for word in words {
    #expect(line.contains(word), "no \"\(word)\" in \(found)", sourceLocation: sourceLocation)
  }
  #expect(
    remedies.contains { line.contains($0) }, "no remedy in \(found)",
    sourceLocation: sourceLocation)
}

/// How the program tells people what to do.
private let remedies = [
  "add it", "as diffusers lays it out", "check the name", "choose", "convert it", "correct it",
  "did you mean", "Did you mean", "fetch", "For example", "free some space", "give", "git lfs pull",
  "is this the right folder?", "it has", "Lantern draws with", "leave it out", "make the folder",
  "needs",
  "remove one",
  "must come from one model", "name it with",
  "put the file", "save it as", "(see lantern", "take", "there are", "try another", "try others",
  "use the config.json",
  "write elsewhere",
]
