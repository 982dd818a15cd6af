import ArgumentParser

/// How large a picture is.
struct SizeOptions: ParsableArguments {
  @Option(
    name: [.customShort("W"), .customLong("width")], parsing: .unconditional,
    help: ArgumentHelp("Width in pixels. (default: the model's own)", valueName: "pixels"))
  var width: Int?

  @Option(
    name: [.customShort("H"), .customLong("height")], parsing: .unconditional,
    help: ArgumentHelp("Height in pixels. (default: the model's own)", valueName: "pixels"))
  var height: Int?
}
