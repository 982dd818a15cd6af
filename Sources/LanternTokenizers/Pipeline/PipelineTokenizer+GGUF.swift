import LanternFormats

/// Tokenizers of language models' GGUF files, but for byte-level BPE.
extension PipelineTokenizer {
  /// `tokenizer.ggml.model` `llama`: sentencepiece's BPE by scores.
  ///
  /// - Throws: ``TokenizerError``.
  init(scores file: GGUFFile) throws(TokenizerError) {
    let vocabulary = try GGUFVocabulary(file)
    let addsSpace = file.values["tokenizer.ggml.add_space_prefix"]?.bool ?? true
    // As llama.cpp: each stretch between special tokens has a space in front.
    var normalizers: [TextNormalizer] = addsSpace ? [.prepend([" "])] : []
    normalizers.append(.replace([" "], with: ["▁"]))
    self.init(
      vocabulary, addsBeginning: true, normalizers: normalizers,
      model: try vocabulary.scoredPairs())
  }

  /// `tokenizer.ggml.model` `t5`: sentencepiece's Unigram, with its table of characters.
  ///
  /// - Throws: ``TokenizerError``.
  init(unigram file: GGUFFile) throws(TokenizerError) {
    let vocabulary = try GGUFVocabulary(file, ends: 1)
    func flag(_ name: String, _ preset: Bool) -> Bool {
      file.values["tokenizer.ggml.\(name)"]?.bool ?? preset
    }
    var normalizer = SentencePieceNormalizer()
    normalizer.addsSpace = flag("add_space_prefix", false)
    normalizer.removesSpaces = flag("remove_extra_whitespaces", false)
    let key = "tokenizer.ggml.precompiled_charsmap"
    if let value = file.values[key] {
      // Signed in some files.
      let bytes = value.array?.integers?.map { UInt8(truncatingIfNeeded: $0) }
      guard let map = bytes.flatMap({ CharacterMap($0) }) else {
        throw .file(
          .unsupportedSetting(key: key, value: "not a table of characters", file: file.path))
      }
      normalizer.map = map
    }
    self.init(
      vocabulary, addsBeginning: false, normalizers: [.sentencePiece(normalizer)],
      model: try vocabulary.unigramPieces())
  }

  /// `tokenizer.ggml.model` `bert`: WordPiece, whose tokens begin with `▁` where words do.
  ///
  /// - Throws: ``TokenizerError``.
  init(wordPieces file: GGUFFile) throws(TokenizerError) {
    let vocabulary = try GGUFVocabulary(file, begins: 101, ends: 102)
    func flag(_ name: String) -> Bool? { file.values["tokenizer.ggml.normalizer.\(name)"]?.bool }
    let lowercases = flag("lowercase") ?? true
    let normalizer = TextNormalizer.bert(
      cleans: true, spacesChinese: true, stripsAccents: flag("strip_accents") ?? lowercases,
      lowercases: lowercases)
    self.init(
      vocabulary, addsBeginning: true, normalizers: [normalizer], splitters: [.bert],
      model: try vocabulary.wordPieces(),
      frame: .bert(vocabulary.window.beginning, vocabulary.window.end))
  }

  private init(
    _ vocabulary: GGUFVocabulary, addsBeginning: Bool, normalizers: [TextNormalizer],
    splitters: [TextSplitter] = [], model: any PieceModel, frame: TextFrame? = nil
  ) {
    let begins = vocabulary.addsBeginning ?? addsBeginning
    let beginning = begins ? [vocabulary.window.beginning] : []
    self.init(
      tokens: vocabulary.added, vocabulary: vocabulary.ids, normalizers: normalizers,
      splitters: splitters, model: model, spelling: .spaces, window: vocabulary.window,
      beginning: beginning,
      frame: frame
        ?? TextFrame(
          beginning: beginning, ending: vocabulary.addsEnd ? [vocabulary.window.end] : []))
  }
}
