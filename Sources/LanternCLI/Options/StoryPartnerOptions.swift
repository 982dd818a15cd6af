import ArgumentParser
import Lantern
import LanternFormats
import LanternPlatform
import LanternTensor

/// Who writes a story and who draws it, or which story is drawn again.
struct StoryPartnerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Who plans and writes: a language model, a GGUF file or a folder as transformers lays it out. "
        + "(default: the transformer)", valueName: "model"),
    transform: FileArgument.named)
  var writer: String?

  @Option(
    help: ArgumentHelp(
      "Who draws: an image model, as lantern image takes it, picturebook or storyteller for the shipped ones. Without "
        + "--writer it draws after the transformer's captions. (default: the transformer; with --writer or --from, "
        + "picturebook)", valueName: "model"))
  var illustrator: String?

  @Option(
    help: ArgumentHelp(
      "Draw the pages of this story.json or story.md anew whose picture's prompt was edited; all else stays. "
        + "(default: none)", valueName: "file"),
    transform: FileArgument.named)
  var from: String?

  /// Whether a language model writes, and not the transformer.
  var hasWriter: Bool { writer.map { !isShipped(.storyteller, $0) } ?? false }

  /// Loads the language model; nil where the transformer writes.
  func loadWriter(_ precision: Precision?) throws -> LanguageGenerator? {
    guard let writer, hasWriter else { return nil }
    let path =
      isShipped(.picturebook, writer)
      ? try ModelLocation.picturebook.path() : try HubCache.standard.located(writer)
    try LanguageGenerator.checkWriter(path)
    return try LanguageGenerator(path: path, precision: precision ?? .default)
  }

  /// Loads the image model; the shipped one where none is named.
  func loadIllustrator(_ precision: Precision?) throws -> StoryIllustrator {
    try StoryIllustrator(path: illustratorPath(), precision: precision ?? .default)
  }

  /// Loads the model that draws after the transformer's captions; nil where it draws by itself.
  func loadPainter(_ precision: Precision?) throws -> ImageGenerator? {
    guard let illustrator, !isShipped(.storyteller, illustrator) else { return nil }
    let path = try illustratorPath()
    try StoryIllustrator.check(path)
    return try ImageGenerator(folder: path, precision: precision ?? .default)
  }

  private func illustratorPath() throws -> String {
    if let illustrator, isShipped(.storyteller, illustrator) {
      return try ModelLocation.storyteller.path()
    }
    // A file of a language model has a dot: it is found, and refused by what it is.
    return try ModelOptions.folder(named: illustrator, or: .picturebook)
  }

  private func isShipped(_ model: ModelLocation, _ name: String) -> Bool {
    name == model.name && !FileSystem.exists(name)
  }
}

/// What a story is written to in addition to its folder's pages.
struct StoryBookOptions: ParsableArguments {
  @Flag(help: "Write the story as an e-book too, story.epub (EPUB 3).")
  var epub = false

  @Flag(help: "Read each page aloud with espeak-ng: 01.wav, 02.wav …, in the pages and the e-book.")
  var speak = false
}
