import ArgumentParser

/// How much is told, and to whom.
struct TellingOptions: ParsableArguments {
  @Flag(help: "One JSON event a line on standard output.")
  var json = false
  @Flag(name: .shortAndLong, help: "Tell only errors.")
  var quiet = false
  @Flag(name: .shortAndLong, help: "Tell details.")
  var verbose = false

  mutating func validate() throws {
    if quiet, verbose { throw ValidationError("--quiet and --verbose: choose one") }
    if quiet, json {
      throw ValidationError("--quiet and --json: choose one; programs are told everything")
    }
  }

  /// Where it is told.
  var console: Console { Console(isJSON: json, isQuiet: quiet || json, isVerbose: verbose) }
}
