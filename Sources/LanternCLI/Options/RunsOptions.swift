import ArgumentParser

/// How often a bench times what it times.
struct RunsOptions: ParsableArguments {
  @Option(
    parsing: .unconditional, help: ArgumentHelp("How often each is timed.", valueName: "count"))
  var runs = 5

  mutating func validate() throws {
    if !(1...1000).contains(runs) { throw ValidationError("runs \(runs): choose 1 to 1000") }
  }
}
