import ArgumentParser
import Lantern
import LanternFormats

/// What a bench draws, and who judges it.
struct BenchPromptOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("A prompt a line; four of the picturebook's by default.", valueName: "file"))
  var prompts: String?

  @Option(help: "Seeds with commas between them.")
  var seeds = "1"

  @Option(
    help: ArgumentHelp("Who judges pictures; the shipped one by default.", valueName: "folder"))
  var judge: String?

  private static let standardPrompts = [
    "a red fox on the beach", "three penguins in the snow", "a rocket above a purple moon in space",
    "a green cat to the left of a yellow car in a meadow",
  ]

  /// The prompts of the file, or some of the picturebook's.
  ///
  /// - Throws: ``FormatError`` for a file that cannot be read, ``ValidationError`` for an empty one.
  func texts() throws -> [String] {
    guard let prompts else { return Self.standardPrompts }
    let bytes = try FileSystem.read(prompts, limit: 1 << 20, isPipeAllowed: true)
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw FormatError.unsupportedFileKind(
        path: prompts, remedy: "is not text in UTF-8: save it as UTF-8")
    }
    let lines = text.split(whereSeparator: \.isNewline).map(String.init).filter {
      !$0.allSatisfy(\.isWhitespace)
    }
    if lines.isEmpty { throw ValidationError("\(prompts): there is no prompt in it") }
    return lines
  }

  /// - Throws: ``ValidationError`` for what is not a seed.
  func seedNumbers() throws -> [UInt64] { try Self.numbers(seeds, "seeds") { UInt64($0) } }

  /// The judge that is named, or the shipped one if there is one.
  func judgeFolder() -> String? {
    judge ?? (try? ModelOptions.shipped("judge", with: "config.json"))
  }

  static func list(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") }
      .filter { !$0.isEmpty }
  }

  /// Without repeats, in the same order.
  static func once<Value: Equatable>(_ values: [Value]) -> [Value] {
    values.reduce(into: []) { all, value in if !all.contains(value) { all.append(value) } }
  }

  static func numbers<Number: Equatable>(
    _ text: String, _ name: String, _ convert: (String) -> Number?
  ) throws -> [Number] {
    let found = list(text).map(convert)
    guard !found.isEmpty, found.allSatisfy({ $0 != nil }) else {
      throw ValidationError(
        "\(name) \"\(text)\": choose numbers with commas between them, like 1,2,4")
    }
    return once(found.compactMap { $0 })
  }
}
