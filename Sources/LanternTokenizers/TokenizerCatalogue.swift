import LanternPlatform
package import LanternFormats

/// The catalogue of tokenizers, by the `tokenizer_class` of `tokenizer_config.json`.
package enum TokenizerCatalogue {
  private typealias Loader =
    @Sendable (_ folder: String, _ changes: [String: JSONValue])
    throws(TokenizerError) -> any Tokenizer

  private static let rows: [(names: [String], load: Loader)] = [
    (
      ["CLIPTokenizer", "CLIPTokenizerFast"],
      { folder, changes throws(TokenizerError) in
        try CLIPTokenizer(folder: folder, with: changes)
      }
    ),
    (
      ["CodeGenTokenizer", "CodeGenTokenizerFast", "GPT2Tokenizer", "GPT2TokenizerFast"],
      { folder, changes throws(TokenizerError) in
        try GPT2Tokenizer(folder: folder, with: changes)
      }
    ),
  ]

  /// The names of all tokenizer classes, sorted.
  package static var names: [String] { rows.flatMap(\.names).sorted() }

  /// Loads the tokenizer of a folder.
  ///
  /// - Parameters:
  ///   - folder: as diffusers lays it out, with a `tokenizer_config.json`.
  ///   - className: the class of `model_index.json`, which overrides `tokenizer_class`.
  ///   - defaultClass: the class where `tokenizer_class` is absent.
  ///   - changes: settings that go before those of `tokenizer_config.json`.
  /// - Returns: the tokenizer.
  /// - Throws: ``TokenizerError/unknownClass(name:known:file:)``, and as the tokenizer's own
  ///   initialiser.
  package static func load(
    folder: String, as className: String? = nil, default defaultClass: String = "CLIPTokenizer",
    with changes: [String: JSONValue] = [:]
  ) throws(TokenizerError) -> any Tokenizer {
    let path = FileSystem.join(folder, "tokenizer_config.json")
    var name = className ?? defaultClass
    if className == nil, FileSystem.exists(path) {
      do throws(FormatError) {
        name = try Config(path: path).string("tokenizer_class", default: defaultClass)
      } catch {
        throw .file(error)
      }
    }
    guard let row = rows.first(where: { $0.names.contains(name) }) else {
      throw .unknownClass(name: name, known: names, file: path)
    }
    return try row.load(folder, changes)
  }

  /// Loads the tokenizer of a language model's folder: what `tokenizer.json` says, or else the files of
  /// sentencepiece, tiktoken, Mistral, BERT or GPT-2.
  ///
  /// - Throws: ``TokenizerError``.
  package static func loadLanguage(folder: String) throws(TokenizerError) -> any LanguageTokenizer {
    switch try TokenizerFolder(folder) {
    case .pipeline: try PipelineTokenizer(folder: folder)
    case .sentencePiece(let path): try PipelineTokenizer(sentencePiece: path, folder: folder)
    case .ranks(let path): try PipelineTokenizer(RankFile(path))
    case .tekken(let path): try PipelineTokenizer(RankFile(tekken: path))
    case .words(let path): try PipelineTokenizer(vocabulary: path, folder: folder)
    case .merges: try GPT2Tokenizer(folder: folder)
    }
  }

  /// The tokenizer of a table of vectors, what its unknown token is, and the median length of its tokens in characters.
  package typealias TableTokenizer = (
    tokenizer: any LanguageTokenizer, unknown: Int?, medianLength: Int
  )

  /// Loads the tokenizer of a table of vectors.
  ///
  /// - Parameter path: a file as `tokenizer.json`.
  /// - Returns: the tokenizer, and what is known of its tokens.
  /// - Throws: ``TokenizerError``.
  package static func loadTable(_ path: String) throws(TokenizerError) -> TableTokenizer {
    let file = try PipelineFile(path)
    let tokenizer = try PipelineTokenizer(file, folder: FileSystem.split(path).folder)
    let vocabulary = try file.model().vocabulary
    let lengths = vocabulary.map { $0.token.unicodeScalars.count }.sorted()
    let middle =
      lengths.isEmpty ? 0 : (lengths[(lengths.count - 1) / 2] + lengths[lengths.count / 2]) / 2
    return (tokenizer, file.unknown(in: vocabulary), middle)
  }

  /// Whether a folder, or a GGUF file, has a tokenizer of a language model.
  package static func isHere(_ path: String) -> Bool {
    if isGGUF(path) { return (try? GGUFFile(path))?.values["tokenizer.ggml.model"] != nil }
    return ["tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json"].contains {
      FileSystem.exists(FileSystem.join(path, $0))
    }
  }

  private static func isGGUF(_ path: String) -> Bool {
    let bytes = FileSystem.isFile(path) ? try? FileSystem.beginning(of: path, count: 4) : nil
    return bytes?.withUnsafeBytes(GGUFFile.isGGUF) ?? false
  }

  /// A language model's tokenizer, and its chat template where a file has that.
  package typealias LanguageParts = (
    tokenizer: any LanguageTokenizer, template: (source: String, file: String)?
  )

  /// Loads the tokenizer of a language model's folder, or of its GGUF file, which has a chat template too.
  ///
  /// - Throws: ``TokenizerError``.
  package static func loadLanguage(at path: String) throws(TokenizerError) -> LanguageParts {
    guard isGGUF(path) else { return (try loadLanguage(folder: path), nil) }
    let file: GGUFFile
    do throws(FormatError) {
      file = try GGUFFile(path)
    } catch {
      throw .file(error)
    }
    let template = file.values["tokenizer.chat_template"]?.string
    return (try load(file), template.map { ($0, file.path) })
  }

  /// Tokenizers of GGUF files, by their `tokenizer.ggml.model`.
  private static let fileRows:
    [String: @Sendable (GGUFFile) throws(TokenizerError) -> any LanguageTokenizer] = [
      "gpt2": { file throws(TokenizerError) in try GPT2Tokenizer(file) },
      "bert": { file throws(TokenizerError) in try PipelineTokenizer(wordPieces: file) },
      "llama": { file throws(TokenizerError) in try PipelineTokenizer(scores: file) },
      "t5": { file throws(TokenizerError) in try PipelineTokenizer(unigram: file) },
    ]

  /// Loads the tokenizer of a language model's GGUF file.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` for a kind that Lantern does not have, and as the tokenizer's own
  ///   initialiser.
  package static func load(_ file: GGUFFile) throws(TokenizerError) -> any LanguageTokenizer {
    let key = "tokenizer.ggml.model"
    guard let name = file.values[key]?.string else {
      throw .file(.missingKey(key: key, file: file.path))
    }
    guard let load = fileRows[name] else {
      throw .file(.unsupportedSetting(key: key, value: JSON.quoted(name), file: file.path))
    }
    return try load(file)
  }
}
