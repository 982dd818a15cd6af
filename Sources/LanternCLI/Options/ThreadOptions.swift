import ArgumentParser
import Lantern

/// With how many threads.
struct ThreadOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: ArgumentHelp(
      "How many threads compute. (default: as many as processors)", valueName: "count"))
  var threads: Int?

  mutating func validate() throws {
    if let threads, !(1...64).contains(threads) {
      throw ValidationError("threads \(threads): choose 1 to 64")
    }
  }

  /// Makes it so.
  func apply(_ console: Console) {
    guard let threads else { return }
    let processors = ComputeEngine.threadCount
    ComputeEngine.threadCount = threads
    if threads > processors {
      console.note("\(threads) threads on \(processors) processors: they wait for each other")
    }
  }
}
