import ArgumentParser
import Lantern

/// How the transformer fills in a picture's codes.
struct TokenPictureOptions: ParsableArguments {
  @Option(
    name: [.customLong("image-steps"), .customLong("steps")], parsing: .unconditional,
    help: ArgumentHelp("Steps to a picture. (default: the model's own)", valueName: "count"))
  var steps: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Strength of guidance of pictures; 0 for none. (default: the model's own)",
      valueName: "scale"))
  var guidance: Float?
  @Option(
    help: ArgumentHelp(
      "How fast a picture's codes are settled: \(MaskSchedule.names.joined(separator: ", ")).",
      valueName: "name"))
  var schedule = "cosine"
  @OptionGroup var chance: SeedOptions

  mutating func validate() throws {
    if MaskSchedule(named: schedule) == nil {
      throw ValidationError(
        "schedule \"\(schedule)\": choose \(MaskSchedule.names.joined(separator: ", "))")
    }
  }

  /// The schedule of the name.
  var maskSchedule: MaskSchedule { MaskSchedule(named: schedule) ?? .cosine }
}
