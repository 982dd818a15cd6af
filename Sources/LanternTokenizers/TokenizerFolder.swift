import LanternFormats
import LanternPlatform

/// Which file of a language model's folder its tokenizer is read from.
enum TokenizerFolder {
  /// `tokenizer.json`.
  case pipeline(String)
  /// sentencepiece's `tokenizer.model` or `spiece.model`.
  case sentencePiece(String)
  /// tiktoken's `*.tiktoken`, or Llama 3's `tokenizer.model`.
  case ranks(String)
  /// Mistral's `tekken.json`.
  case tekken(String)
  /// BERT's `vocab.txt`.
  case words(String)
  /// `vocab.json` and `merges.txt`.
  case merges

  /// Looks for the files, the fullest first.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` for a folder that cannot be read.
  init(_ folder: String) throws(TokenizerError) {
    func find(_ name: String) -> String? {
      let path = FileSystem.join(folder, name)
      return FileSystem.exists(path) ? path : nil
    }
    if let path = find("tokenizer.json") {
      self = .pipeline(path)
    } else if let path = find("tokenizer.model") ?? find("spiece.model") {
      self = RankFile.isRanks(path) ? .ranks(path) : .sentencePiece(path)
    } else if let path = try Self.ranks(folder) {
      self = .ranks(path)
    } else if let path = find("tekken.json") {
      self = .tekken(path)
    } else if let path = find("vocab.txt") {
      self = .words(path)
    } else {
      self = .merges
    }
  }

  private static func ranks(_ folder: String) throws(TokenizerError) -> String? {
    do throws(FormatError) {
      let name = try FileSystem.list(folder).first { $0.hasSuffix(".tiktoken") }
      return name.map { FileSystem.join(folder, $0) }
    } catch {
      throw .file(error)
    }
  }
}
