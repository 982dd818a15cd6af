import ArgumentParser

/// How large a picture is.
struct SizeOptions: ParsableArguments {
  @Option(
    name: [.customShort("W"), .customLong("width")], parsing: .unconditional,
    help: "Width in pixels.")
  var width: Int?

  @Option(
    name: [.customShort("H"), .customLong("height")], parsing: .unconditional,
    help: "Height in pixels.")
  var height: Int?
}
