import ArgumentParser
import LanternFormats

/// The command line as people write it: other programs' options, a prompt that begins with a dash, a
/// command that is nearly one. What is clear is done; of what is not, the error says what was meant.
enum CommandLineSpelling {
  /// The command that the arguments ask for.
  ///
  /// - Throws: what the argument parser throws, or ``ValidationError`` with a better hint.
  static func command(_ arguments: [String]) throws -> any ParsableCommand {
    if let hint = unknownCommand(arguments.first == "help" ? arguments.dropFirst() : arguments[...])
    {
      throw ValidationError(hint)
    }
    do {
      return try LanternCommand.parseAsRoot(arguments)
    } catch {
      guard LanternCommand.exitCode(for: error) == .validationFailure else { throw error }
      let respelled = PeerOptions.respelled(arguments)
      for attempt in [respelled, withDashedPrompt(respelled)] where attempt != arguments {
        if let command = try? LanternCommand.parseAsRoot(attempt) { return command }
      }
      if let hint = PeerOptions.hint(arguments) ?? unquoted(respelled) ?? dashed(arguments, error) {
        throw ValidationError(hint)
      }
      // An error other than of spelling is about the words that people wrote.
      guard respelled != arguments else { throw error }
      return try LanternCommand.parseAsRoot(respelled)
    }
  }

  /// Moves an argument like "- a fox" or "-- red, blue", which no option can be, behind "--".
  private static func withDashedPrompt(_ arguments: [String]) -> [String] {
    guard !arguments.contains("--"),
      let index = arguments.firstIndex(where: { argument in
        let first = argument.prefix { !$0.isWhitespace }
        return argument.hasPrefix("-") && first.count < argument.count && !first.contains("=")
      })
    else { return arguments }
    var rest = arguments
    let prompt = rest.remove(at: index)
    return rest + ["--", prompt]
  }

  /// Words that other programs have for commands.
  private static let synonyms = [
    "image": [
      "create", "draw", "generate", "imagine", "img2img", "inpaint", "picture", "run", "sample",
      "t2i",
      "text2img", "text2image", "txt2img",
    ],
    "story": ["tell", "write"], "caption": ["ask", "describe", "interrogate", "vqa"],
    "inspect": ["exif", "info", "metadata", "show"], "sheet": ["contact-sheet", "grid", "montage"],
    "bench": ["benchmark"], "samplers": ["list", "schedulers"], "trace": ["compare", "diff"],
    "paint": ["extend", "outpaint"],
  ]

  /// What to say of a first word that is no command.
  private static func unknownCommand(_ arguments: ArraySlice<String>) -> String? {
    guard let stray = strayWord(arguments) else { return nil }
    let (word, names, before) = (stray.word, stray.commands, stray.before)
    if before.isEmpty {
      if word.hasPrefix("-") {
        return "which command? Options stand behind it. For example: lantern image \"a red fox\""
      }
      if word.contains(where: \.isWhitespace) {
        return "which command? To draw it: lantern image \(quoted(word))"
      }
      if let name = synonyms.first(where: { $1.contains(word.lowercased()) })?.key {
        return "\"\(word)\" is no command: did you mean lantern \(name)?"
      }
    }
    if let name = Spelling.nearest(to: word.lowercased(), in: names) {
      return "\"\(word)\" is no command: did you mean lantern \(before)\(name)?"
    }
    let words = arguments.prefix { !$0.hasPrefix("-") }
    if before.isEmpty, words.count > 1 {
      return "which command? To draw it: lantern image \(quoted(words.joined(separator: " ")))"
    }
    return "\"\(word)\" is no command: choose one of \(names.joined(separator: ", "))"
  }

  /// A word that stands where a command should and is none.
  private struct StrayWord {
    let word: String
    /// Names of the commands that there are.
    let commands: [String]
    /// What stands before it.
    let before: String
  }

  /// The first such word.
  private static func strayWord(_ arguments: ArraySlice<String>) -> StrayWord? {
    var commands = LanternCommand.configuration.subcommands
    var before = ""
    for word in arguments where !commands.isEmpty {
      let isOwnOption = ["-h", "--help", "-help", "--version"].contains(word)
      if isOwnOption || word.hasPrefix("--experimental-") || word.hasPrefix("--generate-") {
        return nil
      }
      guard let command = commands.first(where: { $0.configuration.commandName == word }) else {
        if word == "help" { return nil }
        let names = commands.compactMap { $0.configuration.commandName }
        return StrayWord(word: word, commands: names, before: before)
      }
      commands = command.configuration.subcommands
      before += word + " "
    }
    return nil
  }

  /// A text as a shell takes it in one piece.
  private static func quoted(_ text: String) -> String {
    let isPlain = !text.contains { "\"\\$`!".contains($0) }
    return isPlain ? "\"\(text)\"" : "'\(text.replacing("'", with: "'\\''"))'"
  }

  private static let mostWords = 50

  /// What to say of a prompt in several pieces: of words that make a command when they are one.
  private static func unquoted(_ arguments: [String]) -> String? {
    guard let command = arguments.first, ["image", "paint", "story"].contains(command) else {
      return nil
    }
    var end = arguments.count
    while end > 1 {
      var start = end
      while start > 1, end - start < mostWords, !arguments[start - 1].hasPrefix("-") { start -= 1 }
      for first in start..<end where end - first > 1 {
        let words = arguments[first..<end]
        let prompt = words.joined(separator: " ")
        let (before, after) = (arguments[..<first], arguments[end...])
        // Behind the dashes it is no option's value.
        if (try? LanternCommand.parseAsRoot(before + after + ["--", prompt])) != nil {
          let meant = before.map(argument) + [quoted(prompt)] + after.map(argument)
          return "the prompt is \(words.count) words: give it in quotes: lantern "
            + meant.joined(separator: " ")
        }
      }
      end = min(start, end - 1)
    }
    return nil
  }

  /// What to say of a word that begins with a dash and is no option.
  private static func dashed(_ arguments: [String], _ error: any Error) -> String? {
    guard let command = arguments.first, ["image", "paint", "story"].contains(command),
      let word = arguments.first(where: { $0.count > 2 && $0.hasPrefix("-") && !$0.hasPrefix("--") }
      ),
      LanternCommand.message(for: error).hasPrefix("Unknown option '\(word)'")
    else { return nil }
    return "\"\(word)\" is no option; give a prompt that begins with a dash behind two: "
      + "lantern \(command) -- \(quoted(word))"
  }

  /// An argument as a shell takes it.
  private static func argument(_ text: String) -> String {
    let isPlain = text.allSatisfy {
      $0.isLetter || $0.isNumber || "-_./:,=@%+".contains($0)
    }
    return isPlain && !text.isEmpty ? text : quoted(text)
  }
}
