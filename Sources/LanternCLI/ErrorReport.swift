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
    case interrupted = 130
  }

  /// Runs `body`; an error becomes one line on standard error (and an event for programs), and the
  /// exit code.
  static func reporting(to console: Console, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch is Interruption.Stopped {
      Console.write("stopped\n", to: .standardError)
      throw ExitCode(Code.interrupted.rawValue)
    } catch {
      let line = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      console.event(["event": .string("error"), "message": .string(line)])
      Console.write("Error: \(line)\n", to: .standardError)
      throw ExitCode(code(of: error).rawValue)
    }
  }

  private static func code(of error: any Error) -> Code {
    switch error {
    case let error as FormatError: code(of: error)
    case let error as PictureError: code(of: error)
    case let error as TensorError: code(of: error)
    case is RequestError, is ValidationError: .usage
    case let error as SamplerError:
      if case .file(let inner) = error { code(of: inner) } else { .usage }
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
    case .cannotWrite: .output
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
    case .unknownExtension: .usage
    default: .data
    }
  }
}
