import LanternFormats
import LanternModels
import LanternPlatform
import LanternTokenizers

/// A table of tokens' vectors with its tokenizer, as model2vec (0.10), sentence-transformers' `StaticEmbedding` and
/// WordLlama (0.4) read them.
struct StaticTable: Sendable {
  let embedding: any TokenVectors
  let tokenizer: any LanguageTokenizer
  let notes: [String]
  /// The token of what the vocabulary lacks, where it is left out.
  private let unknown: Int?
  /// Characters of a text that are read at most.
  private let maximumCharacters: Int
  /// Tokens that are read at most.
  let maximumLength: Int

  /// Opens a table; nil where there is none.
  ///
  /// - Parameter path: a safetensors file with a table of vectors alone, or a folder that has one.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  init?(_ path: String) throws {
    let isFolder = FileSystem.isDirectory(path)
    let file = isFolder ? FileSystem.join(path, "model.safetensors") : path
    guard isFolder || path.hasSuffix(".safetensors"), FileSystem.exists(file) else { return nil }
    guard let vectors = try ModelCatalogue.tokenVectors(SafetensorsFile(file)) else { return nil }
    embedding = vectors
    let table = try TokenizerCatalogue.loadTable(Self.tokenizer(of: file))
    tokenizer = table.tokenizer
    var (length, settings): (Int?, Config?) = (nil, nil)
    let config = FileSystem.join(FileSystem.split(file).folder, "config.json")
    if embedding.isModel2Vec {
      let found = FileSystem.exists(config) ? try Config(path: config) : Config([:], file: config)
      (length, settings) = (try Self.maximumLength(found), found)
    }
    notes = table.tokenizer.notes + (settings?.notes ?? [])
    unknown = embedding.isModel2Vec ? table.unknown : nil
    maximumLength = length ?? .max
    maximumCharacters = length.map { $0 &* table.medianLength } ?? .max
    guard table.tokenizer.count <= embedding.count else {
      throw RequestError.mismatch(
        reason:
          "the tokenizer has \(table.tokenizer.count) tokens, and the table \(embedding.count)",
        path: file)
    }
  }

  /// What model2vec's settings say of how many tokens are read; 512 where they say nothing, all where it is null.
  private static func maximumLength(_ config: Config) throws(FormatError) -> Int? {
    let key = "max_length"
    let found = config.value(key)
    // How it was made says nothing of how it is read; whether vectors are scaled is said by the caller.
    try config.finish(ignoring: [
      "model_type", "architectures", "tokenizer_name", "apply_pca", "apply_zipf", "sif_coefficient",
      "hidden_dim", "seq_length", "embedding_dtype", "vocabulary_quantization", "normalize",
      "pooling", "transformers_version",
    ])
    guard found != .null else { return nil }
    let length = try config.integer(key, default: 512)
    guard (1...1_000_000).contains(length) else {
      throw .unsupportedSetting(key: key, value: "\(length)", file: config.file)
    }
    return length
  }

  /// The tokenizer's file: next to the table, or as WordLlama lays it out, under the name of its configuration, in the
  /// same folder or in one for tokenizers.
  private static func tokenizer(of file: String) -> String {
    let (folder, name) = FileSystem.split(file)
    let stem = name.split(separator: ".").first.map(String.init) ?? name
    let words = stem.split(separator: "_").dropLast().joined(separator: "_")
    let named = "\(words)_tokenizer_config.json"
    let tokenizers = FileSystem.join(FileSystem.split(folder).folder, "tokenizers")
    let all = [FileSystem.join(folder, named), FileSystem.join(tokenizers, named)]
    return all.first(where: FileSystem.exists) ?? FileSystem.join(folder, "tokenizer.json")
  }

  /// The tokens of a text, none of which people typed as a special token.
  func framed(_ text: String, limit: Int) -> FramedText {
    let scalars = text.unicodeScalars
    func ids(_ part: some Sequence<Unicode.Scalar>) -> [Int] {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: part)
      return tokenizer.encode(String(view), readsSpecial: false)
    }
    let found = ids(scalars.prefix(maximumCharacters))
    let all = scalars.count > maximumCharacters ? ids(scalars).count : found.count
    let kept = found.prefix(min(limit, maximumLength))
    return FramedText(
      ids: kept.filter { $0 != unknown }, segments: [], cut: all - kept.count)
  }
}
