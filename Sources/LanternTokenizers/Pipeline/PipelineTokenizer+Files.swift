import LanternFormats
import LanternPlatform

extension PipelineTokenizer {
  /// Loads the tokenizer of a folder with a `tokenizer.json`.
  ///
  /// - Throws: ``TokenizerError``, for steps that Lantern does not have among others.
  package init(folder: String) throws(TokenizerError) {
    let file = try PipelineFile(FileSystem.join(folder, "tokenizer.json"))
    let (model, vocabulary, spelling) = try file.model()
    let tokens = try file.tokens()
    let settings = try Self.settings(folder)
    let ids = AddedVocabulary(tokens, vocabulary: vocabulary) { Array($0) }.ids
    func id(_ token: String) -> Int? { (ids[token] ?? vocabulary[token]).map(Int.init) }
    func role(_ name: String) -> Int? {
      let value = settings["\(name)_token"]
      return (value?.string ?? value?.object?["content"]?.string).flatMap(id)
    }
    var beginning: [Int] = []
    for token in file.beginning {
      guard let id = id(token) else {
        throw .unknownSpecialToken(key: "post_processor", token: token, file: file.path)
      }
      beginning.append(id)
    }
    let end = role("eos") ?? id("</s>") ?? id("<|endoftext|>") ?? 0
    let length = settings["model_max_length"]?.integer ?? 2048
    self.init(
      tokens: tokens, vocabulary: vocabulary, normalizers: file.normalizers,
      splitters: file.splitters, model: model, spelling: spelling,
      window: TokenWindow(
        beginning: role("bos") ?? beginning.first ?? end, end: end, padding: role("pad") ?? end,
        length: (3...1_000_000).contains(length) ? length : 2048),
      beginning: beginning)
  }

  private static func settings(_ folder: String) throws(TokenizerError) -> [String: JSONValue] {
    let path = FileSystem.join(folder, "tokenizer_config.json")
    guard FileSystem.exists(path) else { return [:] }
    do throws(FormatError) { return try JSON.read(path).object ?? [:] } catch { throw .file(error) }
  }

  /// The tokenizer of a language model's GGUF file, of `tokenizer.ggml.model` `llama`: sentencepiece's BPE by scores.
  ///
  /// - Throws: ``TokenizerError``.
  init(_ file: GGUFFile) throws(TokenizerError) {
    let vocabulary = try GGUFVocabulary(file)
    let addsSpace = file.values["tokenizer.ggml.add_space_prefix"]?.bool ?? true
    // As llama.cpp: each stretch between special tokens has a space in front.
    var normalizers: [TextNormalizer] = addsSpace ? [.prepend([" "])] : []
    normalizers.append(.replace([" "], with: ["▁"]))
    let addsBeginning = vocabulary.addsBeginning ?? true
    self.init(
      tokens: vocabulary.added, vocabulary: vocabulary.ids, normalizers: normalizers,
      splitters: [], model: try vocabulary.scoredPairs(), spelling: .spaces,
      window: vocabulary.window, beginning: addsBeginning ? [vocabulary.window.beginning] : [])
  }

  /// The tokenizer of a sentencepiece model, as `tokenizer.model` of Llama 2, Mistral and Gemma.
  ///
  /// - Throws: ``TokenizerError``.
  init(sentencePiece path: String) throws(TokenizerError) {
    let file = try SentencePieceFile(path)
    let vocabulary = TokenTable(file.pieces.lazy.map(\.text))
    var tokens: [AddedToken] = []
    for piece in file.pieces {
      guard piece.kind == .control || piece.kind == .userDefined,
        piece.text.unicodeScalars.count <= AddedToken.lengthLimit
      else { continue }
      tokens.append(
        AddedToken(piece.text, isSpecial: piece.kind == .control, isNormalized: false))
    }
    func role(_ name: String) -> Int? {
      file.ids[name].flatMap { file.pieces.indices.contains($0) ? $0 : nil }
    }
    let end = role("eos") ?? 0
    self.init(
      tokens: tokens, vocabulary: vocabulary, normalizers: file.normalizers, splitters: [],
      model: file.model(vocabulary), spelling: .spaces,
      window: TokenWindow(
        beginning: role("bos") ?? end, end: end, padding: role("pad") ?? end, length: 2048),
      beginning: role("bos").map { [$0] } ?? [])
  }
}
