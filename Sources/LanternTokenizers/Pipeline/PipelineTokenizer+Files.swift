import LanternFormats
import LanternPlatform

extension PipelineTokenizer {
  /// Loads the tokenizer of a folder with a `tokenizer.json`.
  ///
  /// - Throws: ``TokenizerError``, for steps that Lantern does not have among others.
  package init(folder: String) throws(TokenizerError) {
    try self.init(PipelineFile(FileSystem.join(folder, "tokenizer.json")), folder: folder)
  }

  /// The tokenizer of a file.
  ///
  /// - Parameters:
  ///   - file: as `tokenizer.json`.
  ///   - folder: where `tokenizer_config.json` may be.
  /// - Throws: as ``init(folder:)``.
  init(_ file: PipelineFile, folder: String) throws(TokenizerError) {
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
    let frame = try file.frame(id)
    let end = role("eos") ?? id("</s>") ?? id("<|endoftext|>") ?? 0
    let length = settings["model_max_length"]?.integer ?? 2048
    self.init(
      tokens: tokens, vocabulary: vocabulary, normalizers: file.normalizers,
      splitters: file.splitters, model: model, spelling: spelling,
      window: TokenWindow(
        beginning: role("bos") ?? beginning.first ?? end, end: end, padding: role("pad") ?? end,
        length: (3...1_000_000).contains(length) ? length : 2048),
      beginning: beginning, frame: frame)
  }

  static func settings(_ folder: String) throws(TokenizerError) -> [String: JSONValue] {
    let path = FileSystem.join(folder, "tokenizer_config.json")
    guard FileSystem.exists(path) else { return [:] }
    do throws(FormatError) { return try JSON.read(path).object ?? [:] } catch { throw .file(error) }
  }

  /// The tokenizer of a sentencepiece model, as `tokenizer.model` of Llama 2, Mistral and Gemma, and of ChatGLM, whose
  /// control tokens lie behind it.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - folder: where `tokenizer_config.json` may be.
  /// - Throws: ``TokenizerError``.
  init(sentencePiece path: String, folder: String) throws(TokenizerError) {
    let file = try SentencePieceFile(path)
    let isChatGLM =
      try Self.settings(folder)["tokenizer_class"]?.string == ChatGLMTokens.className
    let more = isChatGLM ? ChatGLMTokens.all : []
    let vocabulary = TokenTable(file.pieces.map(\.text) + more)
    func ids(_ tokens: [String]) -> [Int] {
      tokens.compactMap { more.firstIndex(of: $0) }.map { file.pieces.count + $0 }
    }
    var tokens = more.map { AddedToken($0, isSpecial: true, isNormalized: false) }
    for piece in file.pieces {
      guard piece.kind == .control, piece.text.unicodeScalars.count <= AddedToken.lengthLimit
      else { continue }
      tokens.append(AddedToken(piece.text, isSpecial: true, isNormalized: false))
    }
    func role(_ name: String) -> Int? {
      file.ids[name].flatMap { file.pieces.indices.contains($0) ? $0 : nil }
    }
    let end = role("eos") ?? 0
    self.init(
      tokens: tokens, vocabulary: vocabulary, normalizers: [.sentencePiece(file.normalizer)],
      splitters: [], model: file.model(vocabulary), spelling: .spaces,
      window: TokenWindow(
        beginning: role("bos") ?? end, end: end, padding: role("pad") ?? end, length: 2048),
      beginning: isChatGLM
        ? ids(ChatGLMTokens.beginning) : role("bos").map { [$0] } ?? [],
      endsOfTurn: ids(ChatGLMTokens.endsOfTurn))
  }

  /// The tokenizer of BERT's `vocab.txt`, a token a line, with the settings of `tokenizer_config.json`.
  ///
  /// - Throws: ``TokenizerError``.
  init(vocabulary path: String, folder: String) throws(TokenizerError) {
    let settings = try Self.settings(folder)
    let lines: [Substring]
    do throws(FormatError) {
      let bytes = try FileSystem.read(path, limit: JSON.sizeLimit)
      lines = String(decoding: bytes, as: UTF8.self)
        .split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    } catch {
      throw .file(error)
    }
    var ids = TokenTable()
    for (id, line) in lines.enumerated() where id + 1 < lines.count || !line.isEmpty {
      ids.add(line.utf8, id: Int32(clamping: id), isPreferred: true)
    }
    func role(_ name: String, _ preset: String) throws(TokenizerError) -> (String, Int32) {
      let key = "\(name)_token"
      let token =
        settings[key]?.string ?? settings[key]?.object?["content"]?.string ?? preset
      guard let id = ids[token] else {
        throw .unknownSpecialToken(key: key, token: token, file: path)
      }
      return (token, id)
    }
    let special = [
      try role("unk", "[UNK]"), try role("cls", "[CLS]"), try role("sep", "[SEP]"),
      try role("pad", "[PAD]"), try role("mask", "[MASK]"),
    ]
    let names = Set(special.map(\.0))
    let plain = ids.filter { !names.contains($0.token) }
    let lowercases = settings["do_lower_case"]?.bool ?? true
    let normalizer = TextNormalizer.bert(
      cleans: true, spacesChinese: settings["tokenize_chinese_chars"]?.bool ?? true,
      stripsAccents: settings["strip_accents"]?.bool ?? lowercases, lowercases: lowercases)
    let length = settings["model_max_length"]?.integer ?? 512
    let (first, last) = (Int(special[1].1), Int(special[2].1))
    self.init(
      tokens: special.map { AddedToken($0.0, isSpecial: true, isNormalized: false) },
      vocabulary: ids, normalizers: [normalizer], splitters: [.bert],
      model: WordPieces(
        first: plain, later: WordPieces.tokens(of: plain, after: "##"), unknown: special[0].1),
      spelling: .words(prefix: "##", cleansUp: true),
      window: TokenWindow(
        beginning: first, end: last, padding: Int(special[3].1),
        length: (3...1_000_000).contains(length) ? length : 512),
      beginning: [first], frame: .bert(first, last))
  }
}
