import ArgumentParser
import Lantern
import LanternFormats

/// Which transformer that writes and draws, and with how many threads.
struct StoryModelOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The model: Show-o's folder, with the image tokenizer's and the language model's in it or next to it. "
        + "(default: storyteller, the shipped one)", valueName: "folder"),
    transform: FileArgument.named)
  var model: String?

  @OptionGroup var computing: PrecisionOptions
  @OptionGroup var threads: ThreadOptions

  /// Loads the model: the given one, or the shipped one.
  ///
  /// - Parameters:
  ///   - console: prints notes.
  ///   - painter: the model that draws instead of the transformer.
  /// - Returns: the model, ready for use.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  func load(_ console: Console, painter: ImageGenerator? = nil) throws -> StoryGenerator {
    threads.apply(console)
    let folder = try ModelOptions.folder(named: model, or: .storyteller)
    return try StoryGenerator(
      folder: folder, painter: painter, precision: computing.precision ?? .default)
  }
}
