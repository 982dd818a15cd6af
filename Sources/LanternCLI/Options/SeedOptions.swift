import ArgumentParser
import Lantern

/// Where chance begins.
struct SeedOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: ArgumentHelp(
      "The same seed gives the same; -1 is another every time, which is told. (default: -1)",
      valueName: "number"))
  var seed: SeedArgument?

  /// The seed that was given; nil for one by chance.
  var number: UInt64? { seed?.number }
}

/// A seed as PyTorch takes it: any whole number of 64 bits; -1 is none.
struct SeedArgument: ExpressibleByArgument {
  let number: UInt64?

  init?(argument: String) {
    guard let number = UInt64(argument) ?? Int64(argument).map(UInt64.init(bitPattern:)) else {
      return nil
    }
    self.number = argument == "-1" ? nil : number
  }
}
