import ArgumentParser
import Lantern
import LanternFormats
import LanternLayers
import LanternPictures
import LanternSamplers
import LanternTensor
import LanternTokenizers

/// Errors as people read them: one line, and an exit code that says of what kind it was. The only
/// place that knows both.
enum ErrorReport {
  /// Kinds of failure, after `sysexits.h`.
  private enum Code: Int32 {
    case failure = 1
    case usage = 64
    case data = 65
    case missing = 66
    case memory = 71
    case output = 73
    case lost = 74
    case busy = 75
  }

  /// Runs `body`; an error becomes one line on standard error (and an event for programs), and the
  /// exit code.
  static func reporting(to console: Console, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let stopped as Interruption.Stopped {
      Console.complain("stopped")
      throw ExitCode(stopped.exitCode)
    } catch {
      let line = line("\(error)")
      console.event(["event": .string("error"), "message": .string(line)])
      Console.complain("Error: \(line)")
      throw ExitCode(code(of: error).rawValue)
    }
  }

  /// Ends the program after `error` of the argument parser: help is given, a mistake becomes one
  /// line.
  static func exit(of command: (some ParsableCommand).Type, with error: any Error) -> Never {
    let message = command.message(for: error)
    if command.exitCode(for: error).isSuccess {
      Console.print(command.fullMessage(for: error))
      exit(of: command)
    }
    guard command.exitCode(for: error) == .validationFailure, !message.isEmpty else {
      command.exit(withError: error)
    }
    let names = command.configuration.subcommands.compactMap { $0.configuration.commandName }
    let name = names.first { $0 == CommandLine.arguments.dropFirst().first }
    let help = (["lantern", name, "--help"] as [String?]).compactMap { $0 }.joined(separator: " ")
    Console.complain("Error: \(line(message)) (see \(help))")
    command.exit(withError: ExitCode(Code.usage.rawValue))
  }

  /// Ends the program, done, unless standard output did not take all that was written to it.
  static func exit(of command: (some ParsableCommand).Type) -> Never {
    guard let code = Console.outputFailure else { command.exit() }
    let failure = FormatError.cannotWrite(path: "standard output", code: code)
    Console.write("Error: \(failure)\n", to: .standardError)
    command.exit(withError: ExitCode(Code.lost.rawValue))
  }

  private static func line(_ message: String) -> String {
    message.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  private static func code(of error: any Error) -> Code {
    switch error {
    case let error as FormatError: code(of: error)
    case let error as PictureError: code(of: error)
    case let error as TensorError: code(of: error)
    case is ValidationError: .usage
    case let error as RequestError:
      switch error {
      case .unsupportedModel, .mismatch, .notFinite, .notFast, .foreignSettings: .data
      case .size, .range, .needs, .longPrompt, .longStory: .usage
      }
    case let error as SamplerError:
      switch error {
      case .file(let inner): code(of: inner)
      case .inconsistent: .data
      case .steps, .eta, .unsuited, .unknownSampler, .unknownSchedule, .unknownConvention: .usage
      }
    case let error as ModelError:
      switch error {
      case .file(let inner): code(of: inner)
      case .tensor(let inner): code(of: inner)
      default: .data
      }
    case let error as TokenizerError:
      if case .file(let inner) = error { code(of: inner) } else { .data }
    default: .failure
    }
  }

  private static func code(of error: FormatError) -> Code {
    switch error {
    case .missingFile, .cannotRead, .notAFolder, .notAFile: .missing
    case .cannotWrite, .cannotHoldFile: .output
    case .inUse: .busy
    case .changed: .lost
    case .tensor(let inner): code(of: inner)
    default: .data
    }
  }

  private static func code(of error: TensorError) -> Code {
    if case .outOfMemory = error { .memory } else { .data }
  }

  private static func code(of error: PictureError) -> Code {
    switch error {
    case .file(let inner): code(of: inner)
    case .tensor(let inner): code(of: inner)
    case .unknownExtension: .usage
    case .outOfMemory: .memory
    default: .data
    }
  }
}
