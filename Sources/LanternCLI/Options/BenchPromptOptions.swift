import ArgumentParser
import LanternEvaluation
import Lantern
import LanternBench
import LanternFormats
import LanternModels

/// What a bench draws, and who judges it.
struct BenchPromptOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file of prompts: \(PromptFile.help). (default: four in the picturebook's words)",
      valueName: "file"))
  var prompts: String?

  @Option(help: ArgumentHelp("Seeds with commas between them.", valueName: "numbers"))
  var seeds = "1"

  @Option(
    help: ArgumentHelp(
      "Who judges pictures in the picturebook's words. (default: the shipped judge)",
      valueName: "folder"))
  var judge: String?

  private static let standardPrompts = [
    "a red fox on the beach", "three penguins in the snow", "a rocket above a purple moon in space",
    "a green cat to the left of a yellow car in a meadow",
  ]

  /// The prompts of the file, or some of the picturebook's.
  ///
  /// - Throws: ``FormatError`` for a file that cannot be read, ``ValidationError`` for an empty one.
  func texts() throws -> [String] {
    try prompts.map(PromptFile.prompts) ?? Self.standardPrompts
  }

  /// - Throws: ``ValidationError`` for what is not a seed.
  func seedNumbers() throws -> [UInt64] { try Self.numbers(seeds, "seeds") { UInt64($0) } }

  /// The judge that is named, or the shipped one if there is one.
  func judgeFolder() -> String? {
    judge ?? (try? ModelLocation.judge.path())
  }

  /// Which pictures the judge will say nothing of: a line each.
  func notes(_ judge: Judge?, _ size: SizeOptions) throws -> [String] {
    guard let judge else { return [] }
    let texts = try texts()
    let strange = texts.count { PicturebookPrompt($0, knowing: judge.config) == nil }
    var notes: [String] = []
    if strange > 0 {
      notes.append(
        "accuracy is not measured for \(strange) of \(texts.count) prompts: the judge knows prompts in "
          + "the picturebook's words alone")
    }
    let sides = [size.width, size.height].compactMap { $0 }
    if let side = sides.first(where: { !judge.canRead(width: $0, height: $0) }) {
      notes.append(
        "accuracy is not measured: the judge reads no pictures with a side of \(side) pixels")
    }
    return notes
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
