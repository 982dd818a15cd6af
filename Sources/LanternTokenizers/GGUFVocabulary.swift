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
  private let types: [TokenType?]?
  private let file: GGUFFile

  /// ggml's types of tokens are sentencepiece's.
  typealias TokenType = SentencePieceFile.Kind

  /// - Throws: ``TokenizerError/file(_:)`` where keys are missing or of other types or lengths.
  init(_ file: GGUFFile) throws(TokenizerError) {
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
    func id(_ role: String) -> Int? {
      file.values["tokenizer.ggml.\(role)_token_id"]?.integer.flatMap {
        (0..<tokens.count).contains($0) ? $0 : nil
      }
    }
    let end = id("eos") ?? 0
    let architecture = file.values["general.architecture"]?.string ?? ""
    window = TokenWindow(
      beginning: id("bos") ?? end, end: end, padding: id("padding") ?? end,
      length: max(3, file.values["\(architecture).context_length"]?.integer ?? 2048))
    addsBeginning = file.values["tokenizer.ggml.add_bos_token"]?.bool
  }

  /// BPE by scores.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` where there are not as many scores and types as tokens.
  func scoredPairs() throws(TokenizerError) -> ScoredPairs {
    let scores = file.values["tokenizer.ggml.scores"]?.array?.numbers
    guard let types, let scores, scores.count == ids.count else {
      throw .file(
        .malformedGGUF(
          file: file.path, reason: "it has not as many scores and types of tokens as tokens"))
    }
    let usable = types.indices.filter {
      types[$0] == .normal || types[$0] == .userDefined || types[$0] == .unused
    }
    let pieces = usable.lazy.map {
      (bytes: ids.bytes(at: $0), id: Int32(clamping: $0), score: Float(scores[$0]))
    }
    let unused = types.indices.filter { types[$0] == .unused }.map { Int32(clamping: $0) }
    let unknown = types.firstIndex(of: .unknown).map { Int32(clamping: $0) }
    return ScoredPairs(
      pieces, unused: Set(unused),
      unknown: UnknownCharacters(id: unknown, bytesOf: ids, isFused: true))
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
