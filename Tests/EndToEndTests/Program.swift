import Foundation
import TestSupport

/// The built program, run as people run it.
enum Program {
  /// What a run left behind.
  struct Result {
    let code: Int32
    /// Whether it ended by itself rather than by a signal.
    let exited: Bool
    let output: String
    let errors: String

    var outputLines: [Substring] { output.split(separator: "\n") }
    var errorLines: [Substring] { errors.split(separator: "\n") }
  }

  /// Lies beside the bundle of tests.
  static let path: String = {
    let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? Bundle.main
    let folder =
      bundle.bundlePath.hasSuffix(".xctest")
      ? bundle.bundleURL.deletingLastPathComponent() : bundle.bundleURL
    return folder.appendingPathComponent("lantern").path
  }()

  /// The tiny model of random weights.
  static let model = fixture("tiny_pipeline")

  /// Runs `lantern` to its end.
  static func run(_ arguments: [String], in folder: String? = nil) throws -> Result {
    try launch(path, arguments, in: folder)
  }

  /// Runs `lantern`, interrupts it as Ctrl-C does once it has said something, and waits for its end.
  static func interrupted(_ arguments: [String], in folder: String) throws -> Result {
    try launch(path, arguments, in: folder, isInterrupted: true)
  }

  /// Runs a line of shell in which `$lantern` is the program and `$model` the tiny model.
  static func shell(_ line: String, in folder: String? = nil) throws -> Result {
    try launch("/bin/sh", ["-c", line], in: folder)
  }

  private static func launch(
    _ program: String, _ arguments: [String], in folder: String?, isInterrupted: Bool = false
  ) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    var environment = ProcessInfo.processInfo.environment
    environment["LANTERN_MODEL"] = nil
    environment["lantern"] = path
    environment["model"] = model
    process.environment = environment
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    if isInterrupted {
      _ = output.fileHandleForReading.availableData
      process.interrupt()
    }
    // Errors are few lines, so that the pipe holds them until the output is read.
    let said = output.fileHandleForReading.readDataToEndOfFile()
    let complaints = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Result(
      code: process.terminationStatus, exited: process.terminationReason == .exit,
      output: String(decoding: said, as: UTF8.self),
      errors: String(decoding: complaints, as: UTF8.self))
  }
}

/// The names in a folder.
func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

/// The bytes of a file.
func bytes(of path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
