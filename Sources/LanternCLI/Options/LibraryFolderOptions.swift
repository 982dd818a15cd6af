import ArgumentParser
import LanternLibrary

/// Where libraries of documents lie.
struct LibraryFolderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The folder of libraries. (default: lantern/libraries in XDG_DATA_HOME, or in ~/.local/share)",
      valueName: "folder"),
    transform: FileArgument.named)
  var libraryFolder: String?

  /// The folder.
  var folder: LibraryFolder {
    libraryFolder.map { LibraryFolder($0) } ?? .standard
  }
}
