import ArgumentParser

/// How existing files are treated.
struct WritingOptions: ParsableArguments {
  @Flag(
    name: [.customLong("overwrite")],
    help: "Replace files that are there. Without it names that you did not give get a number.")
  var overwrites = false

  /// Whether an existing file is replaced: with --overwrite, or since the one file was named.
  func replaces(_ named: String?, count: Int = 1) -> Bool {
    overwrites || (count == 1 && named.map { !$0.contains("%") } == true)
  }

  /// Notes that a file got another name than the given one.
  func report(_ wanted: String?, _ path: String, _ console: Console) {
    guard let wanted, !overwrites, path != wanted else { return }
    console.note("\(wanted) is there already, so this is \(path); --overwrite replaces it")
  }
}
