import ArgumentParser
import LanternEvaluation

/// What stands before a benchmark's questions, and in which form.
struct EvaluationPromptOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many examples stand before each question. (default: as the benchmark has it)",
      valueName: "count"))
  var shots: Int?

  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: ArgumentHelp(
      "Seed of the examples of benchmarks that draw them by chance. (default: 1234)",
      valueName: "seed"))
  var seed: UInt64?

  @Flag(help: "Put questions in the model's chat template, each example as a turn.")
  var chat = false

  @Flag(help: "With --chat, put examples and question in one message.")
  var oneTurn = false

  func validate() throws {
    if let shots, !(0...1000).contains(shots) {
      throw ValidationError("shots \(shots): choose 0 to 1000")
    }
    if oneTurn, !chat { throw ValidationError("--one-turn is of --chat: give both") }
  }

  /// How an evaluation is run.
  var settings: LanguageEvaluation.Settings {
    var settings = LanguageEvaluation.Settings()
    settings.shots = shots
    settings.seed = seed ?? settings.seed
    settings.form = !chat ? .text : oneTurn ? .oneTurn : .turns
    return settings
  }
}
