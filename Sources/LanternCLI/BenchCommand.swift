import ArgumentParser

/// `lantern bench`: what there is to measure.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures samplers and models.",
    discussion: """
      lantern bench samplers   what a step buys: evaluations, seconds, nearness, accuracy
      lantern bench model      what each part of a model costs: seconds, arithmetic, memory
      lantern bench precision  what exactness costs: seconds, memory, distance of the pictures
      lantern bench kernels    what single operations cost, beside the machine's peaks
      lantern bench report     the report and tables of a bench of samplers again, from its figures
      """,
    subcommands: [
      BenchKernelsCommand.self, BenchModelCommand.self, BenchPrecisionCommand.self,
      BenchReportCommand.self, BenchSamplersCommand.self,
    ])
}
