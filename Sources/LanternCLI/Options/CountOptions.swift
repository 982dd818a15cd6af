import ArgumentParser

/// How many pictures are drawn.
struct CountOptions: ParsableArguments {
  @Option(
    name: [.customShort("b"), .customLong("count")], parsing: .unconditional,
    help: ArgumentHelp("How many pictures, each with the next seed.", valueName: "count"))
  var count = 1

  mutating func validate() throws {
    if !(1...10_000).contains(count) {
      throw ValidationError("count \(count): choose 1 to 10000")
    }
  }
}
