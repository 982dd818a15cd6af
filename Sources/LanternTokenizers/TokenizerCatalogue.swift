import LanternFormats

/// The tokenizers that Lantern has, by the names that `tokenizer_config.json` calls them.
package enum TokenizerCatalogue {
  private typealias Loader = @Sendable (_ folder: String) throws(TokenizerError) -> any Tokenizer

  private static let rows: [(names: [String], load: Loader)] = [
    (
      ["CLIPTokenizer", "CLIPTokenizerFast"],
      { folder throws(TokenizerError) in
        try CLIPTokenizer(folder: folder)
      }
    ),
    (
      ["CodeGenTokenizer", "CodeGenTokenizerFast", "GPT2Tokenizer", "GPT2TokenizerFast"],
      { folder throws(TokenizerError) in
        try GPT2Tokenizer(folder: folder)
      }
    ),
  ]

  /// The names of all classes of tokenizer, sorted.
  package static var names: [String] { rows.flatMap(\.names).sorted() }

  /// Loads the tokenizer of a folder.
  ///
  /// - Parameters:
  ///   - folder: as diffusers lays it out, with a `tokenizer_config.json`.
  ///   - className: the class, where `model_index.json` names it: then it matters not what that file
  ///     says.
  ///   - standard: the class where that file, or its `tokenizer_class`, is absent.
  /// - Returns: the tokenizer, ready for use.
  /// - Throws: ``TokenizerError/unknownClass(name:known:file:)``, and as the tokenizer's own
  ///   initialiser.
  package static func load(
    folder: String, as className: String? = nil, default standard: String = "CLIPTokenizer"
  ) throws(TokenizerError) -> any Tokenizer {
    let path = FileSystem.join(folder, "tokenizer_config.json")
    var name = className ?? standard
    if className == nil, FileSystem.exists(path) {
      do throws(FormatError) {
        name = try Config(path: path).string("tokenizer_class", default: standard)
      } catch {
        throw .file(error)
      }
    }
    guard let row = rows.first(where: { $0.names.contains(name) }) else {
      throw .unknownClass(name: name, known: names, file: path)
    }
    return try row.load(folder)
  }
}
