import LanternFormats

/// The tokens of a GGUF file: `tokenizer.ggml.tokens` and what other keys say of them.
struct GGUFVocabulary {
  /// Ids by token; a token's position is its id.
  private(set) var ids = TokenTable()
  /// Tokens that are matched before pre-tokenisation: control tokens, which are special, and those that the
  /// model's makers added.
  private(set) var added: [AddedToken] = []
  /// First and last tokens; as long as the model's context.
  let window: TokenWindow
  /// Whether a text begins with the first token: `add_bos_token`.
  let addsBeginning: Bool?
  /// Whether an encoder's text ends with the last token: `add_eos_token`.
  let addsEnd: Bool
  private let types: [TokenType?]?
  private let file: GGUFFile

  /// ggml's types of tokens are sentencepiece's.
  typealias TokenType = SentencePieceFile.Kind

  /// - Parameters:
  ///   - file: the file.
  ///   - begins: the id of the first token where the file does not say; nil for that of the last.
  ///   - ends: the id of the last token where the file does not say.
  /// - Throws: ``TokenizerError/file(_:)`` where keys are missing or of other types or lengths.
  init(_ file: GGUFFile, begins: Int? = nil, ends: Int = 0) throws(TokenizerError) {
    self.file = file
    guard let tokens = file.values["tokenizer.ggml.tokens"]?.array, tokens.isOfStrings else {
      throw .file(.missingKey(key: "tokenizer.ggml.tokens", file: file.path))
    }
    types = file.values["tokenizer.ggml.token_type"]?.array?.integers?
      .map(TokenType.init(rawValue:))
    guard types.map({ $0.count == tokens.count }) ?? true, tokens.count > 0 else {
      throw .file(
        .malformedGGUF(file: file.path, reason: "it has not as many types of tokens as tokens"))
    }
    var ids = TokenTable()
    ids.reserveCapacity(tokens.count)
    tokens.forEachString { id, bytes in ids.add(bytes, id: Int32(clamping: id)) }
    self.ids = ids
    for (id, type) in (types ?? []).enumerated() where type == .control || type == .userDefined {
      let token = String(decoding: ids.bytes(at: id), as: UTF8.self)
      guard token.unicodeScalars.count <= AddedToken.lengthLimit else {
        throw .file(
          .unsupportedSetting(
            key: "tokenizer.ggml.tokens",
            value: "a token of more than \(AddedToken.lengthLimit) characters", file: file.path))
      }
      guard !token.isEmpty else { continue }
      added.append(AddedToken(token, isSpecial: type == .control, isNormalized: false))
    }
    func valid(_ id: Int?) -> Int? { id.flatMap { (0..<tokens.count).contains($0) ? $0 : nil } }
    func id(_ role: String) -> Int? {
      valid(file.values["tokenizer.ggml.\(role)_token_id"]?.integer)
    }
    // llama.cpp spells the separator of BERT's texts so.
    let end = id("eos") ?? id("seperator") ?? valid(ends) ?? 0
    let architecture = file.values["general.architecture"]?.string ?? ""
    window = TokenWindow(
      beginning: id("bos") ?? id("cls") ?? valid(begins) ?? end, end: end,
      padding: id("padding") ?? end,
      length: max(3, file.values["\(architecture).context_length"]?.integer ?? 2048))
    addsBeginning = file.values["tokenizer.ggml.add_bos_token"]?.bool
    addsEnd = file.values["tokenizer.ggml.add_eos_token"]?.bool ?? false
  }

  /// BPE by scores.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` where there are not as many scores and types as tokens.
  func scoredPairs() throws(TokenizerError) -> ScoredPairs {
    let (types, scores) = try scored()
    let usable = types.indices.filter {
      types[$0] == .normal || types[$0] == .userDefined || types[$0] == .unused
    }
    let pieces = usable.lazy.map {
      (bytes: ids.bytes(at: $0), id: Int32(clamping: $0), score: Float(scores[$0]))
    }
    let unused = types.indices.filter { types[$0] == .unused }.map { Int32(clamping: $0) }
    return ScoredPairs(
      pieces, unused: Set(unused),
      unknown: UnknownCharacters(id: unknown(types), bytesOf: ids, isFused: true))
  }

  /// Unigram.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` where there are not as many scores and types as tokens.
  func unigramPieces() throws(TokenizerError) -> UnigramPieces {
    let (types, scores) = try scored()
    let pieces = types.indices.map { index in
      types[index] == .normal
        ? (String(decoding: ids.bytes(at: index), as: UTF8.self), scores[index]) : nil
    }
    let isFallback = types.contains(.byte)
    return UnigramPieces(
      pieces,
      unknown: UnknownCharacters(
        id: unknown(types) ?? 2, bytesOf: isFallback ? ids : nil, isFused: true))
  }

  /// WordPiece.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` where no token is for unknown words.
  func wordPieces() throws(TokenizerError) -> WordPieces {
    let key = "tokenizer.ggml.unknown_token_id"
    let id = file.values[key]?.integer ?? 100
    guard (0..<ids.count).contains(id) else {
      throw .file(.missingKey(key: key, file: file.path))
    }
    let special = Set(added.map(\.content))
    let plain = ids.filter { !special.contains($0.token) }
    let mark = Array("▁".unicodeScalars)
    return WordPieces(
      first: WordPieces.tokens(of: plain, after: "▁"),
      later: plain.filter { !$0.token.unicodeScalars.starts(with: mark) },
      unknown: Int32(clamping: id))
  }

  private func unknown(_ types: [TokenType?]) -> Int32? {
    types.firstIndex(of: .unknown).map { Int32(clamping: $0) }
  }

  /// The types and scores of all tokens.
  private func scored() throws(TokenizerError) -> (types: [TokenType?], scores: [Double]) {
    let scores = file.values["tokenizer.ggml.scores"]?.array?.numbers
    guard let types, let scores, scores.count == ids.count else {
      throw .file(
        .malformedGGUF(
          file: file.path, reason: "it has not as many scores and types of tokens as tokens"))
    }
    return (types, scores)
  }

  /// The table of merges.
  ///
  /// - Throws: ``TokenizerError`` for a merge that is no pair, or of tokens that are not there.
  func merges() throws(TokenizerError) -> [BytePairEncoding.Pair: Merge] {
    guard let lines = file.values["tokenizer.ggml.merges"]?.array, lines.isOfStrings else {
      throw .file(.missingKey(key: "tokenizer.ggml.merges", file: file.path))
    }
    var merges: [BytePairEncoding.Pair: Merge] = [:]
    merges.reserveCapacity(lines.count)
    var joined: [UInt8] = []
    try lines.forEachString { (index, line) throws(TokenizerError) in
      // A token may hold a space of its own in no byte-level alphabet.
      let space = UInt8(ascii: " ")
      guard let middle = line.firstIndex(of: space), !line[(middle + 1)...].contains(space) else {
        throw .malformedMerge(number: index + 1, file: file.path)
      }
      let left = UnsafeRawBufferPointer(rebasing: line[..<middle])
      let right = UnsafeRawBufferPointer(rebasing: line[(middle + 1)...])
      joined.removeAll(keepingCapacity: true)
      joined += left
      joined += right
      func found(_ id: Int32?, _ token: some Sequence<UInt8>) throws(TokenizerError) -> Int32 {
        guard let id else {
          throw .mergeOutsideVocabulary(
            number: index + 1, token: String(decoding: Array(token), as: UTF8.self), file: file.path
          )
        }
        return id
      }
      let pair = BytePairEncoding.Pair(
        try found(ids.id(of: left), left), try found(ids.id(of: right), right))
      let both = joined.withUnsafeBytes { ids.id(of: $0) }
      merges[pair] = Merge(rank: Int32(clamping: index), id: try found(both, joined))
    }
    return merges
  }
}
