import ArgumentParser

/// `lantern bench`: what there is to measure.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures samplers, models and language models.",
    subcommands: [
      BenchKernelsCommand.self, BenchLanguageCommand.self, BenchModelCommand.self,
      BenchPrecisionCommand.self, BenchReportCommand.self, BenchSamplersCommand.self,
    ])
}
