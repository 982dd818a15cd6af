import LanternPlatform
import ArgumentParser
import LanternFormats

/// Text that people wrote into a file.
enum PromptFile {
  /// The text of a file; of standard input where the name is `-`.
  ///
  /// - Throws: ``FormatError`` for a file that cannot be read or is not UTF-8.
  static func text(_ path: String) throws(FormatError) -> String {
    let bytes = try FileSystem.read(
      path == "-" ? "/dev/stdin" : path, limit: 1 << 20, isPipeAllowed: true)
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw .unsupportedFileKind(path: path, remedy: "is not text in UTF-8: save it as UTF-8")
    }
    return text
  }

  /// An argument, or the text of the file that it names after `@`, without its last line feed.
  static func text(ofArgument argument: String) throws(FormatError) -> String {
    guard argument.hasPrefix("@") else { return argument }
    let text = try text(String(argument.dropFirst()))
    return text.last?.isNewline == true ? String(text.dropLast()) : text
  }

  /// The prompts of a file.
  ///
  /// - Throws: ``FormatError`` as ``text(_:)``, ``ValidationError`` where there is none.
  static func prompts(_ path: String) throws -> [String] {
    let lines = try text(path).split(whereSeparator: \.isNewline).map(String.init).filter { line in
      line.first { !$0.isWhitespace }.map { $0 != "#" } ?? false
    }
    if lines.isEmpty { throw ValidationError("\(path): there is no prompt in it: give one a line") }
    return lines
  }
}
