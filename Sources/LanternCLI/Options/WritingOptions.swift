import ArgumentParser

/// What becomes of files that are there already.
struct WritingOptions: ParsableArguments {
  @Flag(
    name: [.customLong("overwrite"), .customLong("force")],
    help: "Replace files that are there; without it new ones get another number.")
  var overwrites = false

  /// Says that a file got another name than the one that was asked for.
  func tell(_ wanted: String?, _ path: String, _ console: Console) {
    guard let wanted, !overwrites, path != wanted else { return }
    console.note("\(wanted) is there already, so this is \(path); --overwrite replaces it")
  }
}
