import ArgumentParser
import Lantern

/// How the transformer fills in a picture's codes.
struct TokenPictureOptions: ParsableArguments {
  @Option(
    name: [.customLong("image-steps"), .customLong("steps")], parsing: .unconditional,
    help: "Steps to a picture.")
  var steps: Int?
  @Option(parsing: .unconditional, help: "Strength of guidance of pictures; 0 for none.")
  var guidance: Float?
  @Option(
    help: ArgumentHelp(
      "How fast a picture's codes are settled: \(MaskSchedule.names.joined(separator: ", ")).",
      valueName: "name"))
  var schedule = "cosine"
  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: "The same seed gives the same; -1 for another every time.")
  var seed: Int64 = 42

  mutating func validate() throws {
    if MaskSchedule(named: schedule) == nil {
      throw ValidationError(
        "schedule \"\(schedule)\": choose \(MaskSchedule.names.joined(separator: ", "))")
    }
    if seed < -1 { throw ValidationError("seed \(seed): choose 0 or more, or -1") }
  }

  /// The schedule of the name.
  var maskSchedule: MaskSchedule { MaskSchedule(named: schedule) ?? .cosine }

  /// The seed, or one by chance, which is told.
  func chosenSeed(_ console: Console) -> UInt64 {
    guard seed == -1 else { return UInt64(seed) }
    let chosen = UInt64.random(in: 0...UInt64(UInt32.max))
    console.tell("seed \(chosen)")
    return chosen
  }
}
