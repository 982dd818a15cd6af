import ArgumentParser

/// Which decoder draws, where that is not the model's own.
struct DecoderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A small decoder that draws the picture and its previews in place of the model's own, as TAESD: "
        + "much faster, a little less exact. (default: none)",
      valueName: "file or folder"), transform: FileArgument.named)
  var tinyDecoder: String?
}
