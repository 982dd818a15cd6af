import LanternPlatform
import ArgumentParser
import Lantern
import LanternFormats

/// Errors as people read them: one line, and an exit code that says of what kind it was. What ends
/// without an error of its own, as a signal does, has its code where it ends.
enum ErrorReport {
  /// Kinds of failure, after `sysexits.h`.
  private enum Code: Int32 {
    case failure = 1
    case usage = 64
    case data = 65
    case missing = 66
    case network = 69
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
      let line = line("\(error)" + hint(for: error))
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
    var (words, current) = (["lantern"], command as any ParsableCommand.Type)
    for argument in CommandLine.arguments.dropFirst() {
      let next = current.configuration.subcommands.first {
        $0.configuration.commandName == argument
      }
      guard let next else { break }
      words.append(argument)
      current = next
    }
    Console.complain("Error: \(line(message)) (see \(words.joined(separator: " ")) --help)")
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
    if error is ValidationError { return .usage }
    guard let error = error as? any LanternError else { return .failure }
    return switch error.kind {
    case .usage: .usage
    case .data: .data
    case .missing: .missing
    case .memory: .memory
    case .output: .output
    case .lost: .lost
    case .busy: .busy
    case .network: .network
    }
  }

  private static let partOptions = ["vae", "text_encoder", "text_encoder_2", "text_encoder_3"]

  /// Which options help, where an error's own line cannot know that there are options.
  private static func hint(for error: any Error) -> String {
    switch error {
    case RequestError.longPrompt: " (--literal)"
    case FormatError.missingPart(let name, _) where partOptions.contains(name):
      " (--\(name.replacing("_", with: "-")) FILE)"
    case FormatError.missingPart(let name, _) where name.hasPrefix("tokenizer"):
      " (--tokenizer FOLDER)"
    case FormatError.missingFile(let path, _) where HubCache.repository(of: path) != nil:
      " (lantern pull \(HubCache.repository(of: path) ?? ""))"
    case FormatError.cannotWrite(let path, FileSystem.fileExists)
    where ModelConversion.isFile(path) && !FileSystem.isDirectory(path):
      " (--overwrite replaces it)"
    case RequestError.notFast:
      " (leave out --fast, or give --lora FILE --sampler lcm --steps 4 --guidance 1)"
    default: ""
    }
  }
}
