import ArgumentParser
import LanternFormats

/// A JSON file whose keys are a command's options.
struct SettingsFile {
  private let path: String
  private let settings: [String: JSONValue]

  /// - Throws: `FormatError` where it is not there, or is no JSON object.
  init(_ path: String) throws {
    self.path = path
    guard let settings = try JSON.read(path).object else {
      throw ValidationError("\(path): give a JSON object of settings")
    }
    self.settings = settings
  }

  /// The words that the settings stand for.
  ///
  /// - Parameter arguments: keys that are not options but words of their own, as `model`.
  /// - Returns: options and their values.
  /// - Throws: `ValidationError` for a value that no option has.
  private func words(arguments: Set<String>) throws -> [String] {
    try settings.sorted { $0.key < $1.key }.flatMap { key, value in
      let option = "--" + key.replacing("_", with: "-")
      return try (value.array ?? [value]).flatMap { value -> [String] in
        switch value {
        case .bool(let isOn): return isOn ? [option] : []
        case .null: return []
        case .string(let text): return arguments.contains(key) ? [text] : [option, text]
        case .array, .object:
          throw ValidationError(
            "\(path): \(key): give a text, a number, true, false, or a list of them")
        default: return [option, JSON.write(value)]
        }
      }
    }
  }

  /// The command of the settings and the words behind it, which count more.
  ///
  /// - Throws: `ValidationError` for settings that the command does not have, or that make no sense.
  func command<Command: ParsableCommand>(_ type: Command.Type, _ more: [String]) throws -> Command {
    let words = try words(arguments: ["model"])
    do {
      _ = try Command.parse(words)
    } catch {
      throw ValidationError("\(path): \(Command.message(for: error))")
    }
    return try Command.parse(words + more)
  }
}
