package import LanternFormats
import LanternPlatform

/// A folder's tokenizer as the keys of a GGUF file, of which llama.cpp and Lantern make the same tokenizer.
package struct GGUFTokenizerFields {
  /// Notes on what the file cannot say: a line each.
  private(set) package var notes: [String] = []
  /// `tokenizer.ggml.model`: `gpt2`, byte-level BPE by merges, `llama`, sentencepiece's by scores, or `bert`, WordPiece.
  private var model = "gpt2"
  /// `tokenizer.ggml.pre`, of `gpt2`.
  private var pre = WordSplit.gpt2
  private var tokens: [Int: (text: String, type: GGUFVocabulary.TokenType)] = [:]
  /// Of `gpt2`, in the order of their ranks.
  private var merges: [String] = []
  /// Of `llama`, by id.
  private var scores: [Int: Float] = [:]
  /// Whether a space is put in front of a text, of `llama`.
  private var addsSpace = false
  /// What BERT's normalizer does, and the token of what it does not know.
  private var (lowersCase, stripsAccents) = (true, true)
  private var unknown: Int?
  private let folder: String

  /// Reads a folder's files, the same as ``TokenizerCatalogue/loadLanguage(folder:)`` does.
  ///
  /// - Throws: ``TokenizerError``, for what no GGUF file says among others.
  package init(folder: String) throws(TokenizerError) {
    self.folder = folder
    switch try TokenizerFolder(folder) {
    case .pipeline(let path): try read(PipelineFile(path))
    case .sentencePiece(let path): try read(SentencePieceFile(path), path)
    case .merges: try read(TokenizerFiles(folder: folder))
    case .ranks(let path), .tekken(let path): throw refusal("kind", "a list of ranks", path)
    case .words(let path): throw refusal("kind", "WordPiece", path)
    }
  }

  private func refusal(_ key: String, _ value: String, _ file: String) -> TokenizerError {
    .file(
      .unsupportedFileKind(
        path: file,
        remedy: "its \(key) is \(value), which no tokenizer of a GGUF file has that Lantern reads"))
  }

  // MARK: tokenizer.json

  private mutating func read(_ file: PipelineFile) throws(TokenizerError) {
    let (piece, vocabulary, _) = try file.model()
    for (token, id) in vocabulary { tokens[Int(id)] = (token, .normal) }
    if file.isByteLevel {
      try readWords(file)
      merges = file.merges.map { $0.joined(separator: " ") }
    } else if piece is CharacterPairs {
      try readPieces(file, vocabulary)
    } else if piece is WordPieces {
      return try readWordPieces(file, vocabulary)
    } else {
      throw refusal("model", "neither WordPiece nor byte-level nor sentencepiece's BPE", file.path)
    }
    let ids = AddedVocabulary(try file.tokens(), vocabulary: vocabulary) { Array($0) }.ids
    for token in try file.tokens() {
      guard let id = ids[token.content] else { continue }
      tokens[Int(id)] = (token.content, token.isSpecial ? .control : .userDefined)
    }
    if let unknown = file.unknown.flatMap({ vocabulary[$0] }), model == "llama" {
      tokens[Int(unknown)]?.type = .unknown
    }
  }

  /// How words are cut, which llama.cpp knows by a name.
  private mutating func readWords(_ file: PipelineFile) throws(TokenizerError) {
    let known: [WordSplit: [TextSplitter]] = [
      .gpt2: [.words(.gpt2)], .smollm: [.digits(areIndividual: true), .words(.gpt2)],
      .llama3: [.words(.llama3)], .qwen2: [.words(.qwen2)], .gpt4o: [.words(.gpt4o)],
      .tekken: [.words(.tekken)],
    ]
    guard let row = known.first(where: { $0.value == file.splitters }) else {
      throw refusal("pre_tokenizer", "\(file.splitters)", file.path)
    }
    pre = row.key
    if file.normalizers == [.nfc] {
      notes.append(
        "\(file.path): characters are not composed (NFC) in a GGUF file: decomposed ones become other tokens"
      )
    } else if !file.normalizers.isEmpty {
      throw refusal("normalizer", "\(file.normalizers)", file.path)
    }
  }

  /// WordPiece's tokens, which have a mark where words begin in place of one where they go on.
  private mutating func readWordPieces(_ file: PipelineFile, _ vocabulary: TokenTable)
    throws(TokenizerError)
  {
    guard file.splitters == [.bert],
      case .bert(true, true, let strips, let lowercases)? = file.normalizers.first,
      file.normalizers.count == 1
    else { throw refusal("normalizer or pre_tokenizer", "not BERT's", file.path) }
    (model, lowersCase, stripsAccents) = ("bert", lowercases, strips)
    let special = Set(try file.tokens().filter(\.isSpecial).map(\.content))
    for (token, id) in vocabulary {
      let isSpecial = special.contains(token)
      let isWhole = isSpecial || token.hasPrefix("[") && token.hasSuffix("]")
      let text =
        isWhole ? token : token.hasPrefix("##") ? String(token.dropFirst(2)) : "▁" + token
      tokens[Int(id)] = (text, isSpecial ? .control : .normal)
    }
    unknown = file.unknown.flatMap { vocabulary[$0] }.map(Int.init)
  }

  /// Pieces of sentencepiece's kind with a list of merges: a piece's score is the rank of its merges, which lie next
  /// to each other where the list was made of scores.
  private mutating func readPieces(_ file: PipelineFile, _ vocabulary: TokenTable)
    throws(TokenizerError)
  {
    model = "llama"
    let space: [Unicode.Scalar] = [" "], mark: [Unicode.Scalar] = ["▁"]
    for step in file.normalizers where step != .replace(space, with: mark) {
      guard step == .prepend(mark) else { throw refusal("normalizer", "\(step)", file.path) }
      addsSpace = true
    }
    for step in file.splitters where step != .literal(space, .mergedWithPrevious) {
      guard case .metaspace(let prefix, _) = step else {
        throw refusal("pre_tokenizer", "\(step)", file.path)
      }
      addsSpace = addsSpace || prefix != .never
    }
    var rank = 0
    var last: [UInt8] = []
    for pair in file.merges {
      let piece = pair.joined()
      if piece.utf8.elementsEqual(last) { continue }
      (rank, last) = (rank + 1, Array(piece.utf8))
      guard let id = vocabulary[piece].map(Int.init) else { continue }
      guard scores.updateValue(-Float(rank), forKey: id) == nil else {
        throw refusal("model.merges", "not in the order of scores", file.path)
      }
    }
    for (token, id) in vocabulary where UnknownCharacters.byte(of: token) != nil {
      tokens[Int(id)]?.type = .byte
    }
  }

  // MARK: tokenizer.model

  private mutating func read(_ file: SentencePieceFile, _ path: String) throws(TokenizerError) {
    guard !file.isUnigram else { throw refusal("kind", "Unigram", path) }
    guard file.normalizer.map == nil else { throw refusal("normalizer", "a table", path) }
    (model, addsSpace) = ("llama", file.normalizer.addsSpace)
    for (id, piece) in file.pieces.enumerated() {
      tokens[id] = (piece.text, piece.kind)
      scores[id] = Float(piece.score)
    }
    if file.normalizer.removesSpaces {
      notes.append(
        "\(path): spaces next to each other stay several in a GGUF file")
    }
  }

  // MARK: vocab.json and merges.txt

  private mutating func read(_ files: TokenizerFiles) throws(TokenizerError) {
    let end = "<|endoftext|>"
    let (added, _) = try files.addedVocabulary(
      default: ["bos_token": end, "eos_token": end, "unk_token": end], normalize: { Array($0) })
    if let setting = files.setting("add_prefix_space"), setting.value.bool == true {
      throw refusal("add_prefix_space", "true", setting.file)
    }
    for (token, id) in files.vocabulary { tokens[Int(id)] = (token, .normal) }
    merges = files.merges.sorted { $0.value.rank < $1.value.rank }.map { pair, _ in
      "\(tokens[Int(pair.left)]?.text ?? "") \(tokens[Int(pair.right)]?.text ?? "")"
    }
    for (content, id) in added.ids {
      tokens[Int(id)] = (content, added.isSpecial(id) ? .control : .userDefined)
    }
  }

  // MARK: Keys

  /// The keys.
  ///
  /// - Parameters:
  ///   - tokenizer: the folder's, for its first and last tokens.
  ///   - rows: of the model's table of tokens: so many tokens llama.cpp expects; further ones are for no use.
  /// - Returns: them, with their values.
  /// - Throws: ``TokenizerError/file(_:)`` where there are more tokens than rows, or two begin a text.
  package func fields(_ tokenizer: some LanguageTokenizer, rows: Int) throws(TokenizerError)
    -> [GGUFField]
  {
    let count = (tokens.keys.max() ?? -1) + 1
    guard count <= rows else {
      throw refusal("tokens", "\(count), more than the \(rows) rows of the model's table", folder)
    }
    guard tokenizer.beginning.isEmpty || tokenizer.beginning == [tokenizer.window.beginning] else {
      throw refusal("beginning", "\(tokenizer.beginning)", folder)
    }
    let all = (0..<rows).map { tokens[$0] ?? ("[PAD\($0)]", .unused) }
    func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }
    if model == "bert" {
      return try wordPieceFields(tokenizer) + [
        GGUFField(key("tokens"), all.map(\.text)),
        GGUFField(key("token_type"), all.map(\.type.rawValue)),
      ]
    }
    var fields = [
      GGUFField(key("model"), model), GGUFField(key("tokens"), all.map(\.text)),
      GGUFField(key("token_type"), all.map(\.type.rawValue)),
      GGUFField(key("bos_token_id"), tokenizer.window.beginning),
      GGUFField(key("eos_token_id"), tokenizer.window.end),
      GGUFField(key("padding_token_id"), tokenizer.window.padding),
      GGUFField(key("add_bos_token"), !tokenizer.beginning.isEmpty),
      GGUFField(key("add_eos_token"), false),
    ]
    if model == "gpt2" {
      fields += [GGUFField(key("pre"), pre.rawValue), GGUFField(key("merges"), merges)]
    } else {
      // What nothing is merged into has sentencepiece's score of a piece that is never made.
      fields += [
        GGUFField(key("pre"), "default"),
        GGUFField(key("scores"), (0..<rows).map { scores[$0] ?? -1e9 }),
        GGUFField(key("add_space_prefix"), addsSpace),
      ]
      if let unknown = all.firstIndex(where: { $0.type == .unknown }) {
        fields.append(GGUFField(key("unknown_token_id"), unknown))
      }
    }
    return fields
  }

  /// The keys of WordPiece but for its tokens.
  private func wordPieceFields(_ tokenizer: some LanguageTokenizer) throws(TokenizerError)
    -> [GGUFField]
  {
    func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }
    let ends = tokenizer.frame.framed([], limit: 2).ids
    guard ends.count == 2, tokenizer.frame == .bert(ends[0], ends[1]), let unknown else {
      throw refusal("post_processor", "not [CLS] A [SEP], [CLS] A [SEP] B [SEP]", folder)
    }
    let mask = tokens.first { $0.value.text == "[MASK]" }?.key
    return (mask.map { [GGUFField(key("mask_token_id"), $0)] } ?? []) + [
      GGUFField(key("model"), "bert"), GGUFField(key("pre"), "default"),
      GGUFField(key("bos_token_id"), ends[0]), GGUFField(key("seperator_token_id"), ends[1]),
      GGUFField(key("unknown_token_id"), unknown),
      GGUFField(key("padding_token_id"), tokenizer.window.padding),
      GGUFField(key("normalizer.lowercase"), lowersCase),
      GGUFField(key("normalizer.strip_accents"), stripsAccents),
    ]
  }
}
