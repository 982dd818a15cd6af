import LanternFormats

/// The tokens of a GGUF file: `tokenizer.ggml.tokens` and what other keys say of them.
struct GGUFVocabulary {
  /// Ids by token.
  private(set) var ids: [String: Int32] = [:]
  /// Tokens that are matched before pre-tokenisation: control tokens, which are special, and those that the
  /// model's makers added.
  private(set) var added: [AddedToken] = []
  /// First and last tokens; as long as the model's context.
  let window: TokenWindow
  /// Whether a text begins with the first token: `add_bos_token`.
  let addsBeginning: Bool?
  private let tokens: [[UInt8]]
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
    guard let tokens = file.values["tokenizer.ggml.tokens"]?.array?.strings else {
      throw .file(.missingKey(key: "tokenizer.ggml.tokens", file: file.path))
    }
    let types = file.values["tokenizer.ggml.token_type"]?.array?.integers?
      .map(TokenType.init(rawValue:))
    guard types.map({ $0.count == tokens.count }) ?? true, !tokens.isEmpty else {
      throw .file(
        .malformedGGUF(file: file.path, reason: "it has not as many types of tokens as tokens"))
    }
    ids.reserveCapacity(tokens.count)
    for (id, bytes) in tokens.enumerated() {
      let token = String(decoding: bytes, as: UTF8.self)
      ids[token] = ids[token] ?? Int32(clamping: id)
      let type = types?[id] ?? nil
      guard type == .control || type == .userDefined, !token.isEmpty else { continue }
      guard token.unicodeScalars.count <= AddedToken.lengthLimit else {
        throw .file(
          .unsupportedSetting(
            key: "tokenizer.ggml.tokens",
            value: "a token of more than \(AddedToken.lengthLimit) characters", file: file.path))
      }
      added.append(AddedToken(token, isSpecial: type == .control, isNormalized: false))
    }
    func valid(_ id: Int?) -> Int? { id.flatMap { tokens.indices.contains($0) ? $0 : nil } }
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
    (self.tokens, self.types) = (tokens, types)
  }

  /// BPE by scores.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` where there are not as many scores and types as tokens.
  func scoredPairs() throws(TokenizerError) -> ScoredPairs {
    let (types, scores) = try scored()
    let usable: Set<TokenType?> = [.normal, .userDefined, .unused]
    let pieces = tokens.indices.filter { usable.contains(types[$0]) }.map {
      (bytes: tokens[$0], id: Int32(clamping: $0), score: scores[$0])
    }
    let unused = tokens.indices.filter { types[$0] == .unused }.map { Int32(clamping: $0) }
    return ScoredPairs(
      pieces, unused: Set(unused),
      unknown: UnknownCharacters(id: unknown(types), bytesOf: ids, isFused: true))
  }

  /// Unigram.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` where there are not as many scores and types as tokens.
  func unigramPieces() throws(TokenizerError) -> UnigramPieces {
    let (types, scores) = try scored()
    let pieces = tokens.indices.map { index in
      types[index] == .normal
        ? (String(decoding: tokens[index], as: UTF8.self), scores[index]) : nil
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
    guard tokens.indices.contains(id) else { throw .file(.missingKey(key: key, file: file.path)) }
    let special = Set(added.map(\.content))
    let plain = ids.filter { !special.contains($0.key) }
    let mark = Array("▁".unicodeScalars)
    return WordPieces(
      first: WordPieces.tokens(of: plain, after: "▁"),
      later: plain.filter { !$0.key.unicodeScalars.starts(with: mark) },
      unknown: Int32(clamping: id))
  }

  private func unknown(_ types: [TokenType?]) -> Int32? {
    types.firstIndex(of: .unknown).map { Int32(clamping: $0) }
  }

  /// The types and scores of all tokens.
  private func scored() throws(TokenizerError) -> (types: [TokenType?], scores: [Double]) {
    let scores = file.values["tokenizer.ggml.scores"]?.array?.numbers
    guard let types, let scores, scores.count == tokens.count else {
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
    guard let lines = file.values["tokenizer.ggml.merges"]?.array?.strings else {
      throw .file(.missingKey(key: "tokenizer.ggml.merges", file: file.path))
    }
    var merges: [BytePairEncoding.Pair: Merge] = [:]
    merges.reserveCapacity(lines.count)
    for (index, line) in lines.enumerated() {
      // A token may hold a space of its own in no byte-level alphabet.
      let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw .malformedMerge(number: index + 1, file: file.path) }
      let (left, right) = (
        String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self)
      )
      func id(_ token: String) throws(TokenizerError) -> Int32 {
        guard let id = ids[token] else {
          throw .mergeOutsideVocabulary(number: index + 1, token: token, file: file.path)
        }
        return id
      }
      merges[BytePairEncoding.Pair(try id(left), try id(right))] = Merge(
        rank: Int32(clamping: index), id: try id(left + right))
    }
    return merges
  }
}
