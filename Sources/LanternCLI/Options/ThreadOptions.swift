import ArgumentParser
import Lantern

/// With how many threads.
struct ThreadOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: "How many threads compute; the processors by default.")
  var threads: Int?

  mutating func validate() throws {
    if let threads, !(1...64).contains(threads) {
      throw ValidationError("threads \(threads): choose 1 to 64")
    }
  }

  /// Makes it so.
  func apply() {
    if let threads { ComputeEngine.threadCount = threads }
  }
}
