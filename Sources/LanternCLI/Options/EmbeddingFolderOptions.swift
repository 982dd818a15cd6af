import ArgumentParser
import Lantern

/// Embeddings that prompts call by name.
struct EmbeddingFolderOptions: ParsableArguments {
  @Option(
    name: .customLong("embedding-folder"),
    help: ArgumentHelp(
      "A folder of embeddings, and of folders with some: prompts call them by their files' names or as "
        + "embedding:NAME, and --like finds those of the picture there. (default: none)",
      valueName: "folder"), transform: FileArgument.named)
  var path: String?

  /// The folder's embeddings, if one was named.
  func folder() throws -> EmbeddingFolder? {
    try path.map { try EmbeddingFolder(HubCache.standard.located($0)) }
  }
}
