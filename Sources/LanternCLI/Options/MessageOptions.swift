import ArgumentParser

/// Which messages are printed, and in which form.
struct MessageOptions: ParsableArguments {
  @Flag(help: "One JSON event a line on standard output.")
  var json = false
  @Flag(name: .shortAndLong, help: "Print only errors.")
  var quiet = false
  @Flag(name: .shortAndLong, help: "Print details.")
  var verbose = false

  mutating func validate() throws {
    if quiet, verbose { throw ValidationError("--quiet and --verbose: choose one") }
    if quiet, json {
      throw ValidationError("--quiet and --json: choose one; programs get every event")
    }
  }

  /// The console that they are printed to.
  var console: Console { Console(isJSON: json, isQuiet: quiet || json, isVerbose: verbose) }
}
