import LanternFormats
import LanternPlatform

/// The `tokenizer.json` of a folder, read strictly: a step, or a setting of one, that Lantern does not have is refused
/// by name.
struct PipelineFile {
  private let root: [String: JSONValue]
  private let members: [JSON.Member]?
  let path: String
  private(set) var normalizers: [TextNormalizer] = []
  private(set) var splitters: [TextSplitter] = []
  /// Whether the last pre-tokenizer makes bytes of text.
  private(set) var isByteLevel = false
  private(set) var beginning: [String] = []
  /// What frames texts.
  private(set) var postProcessor: [String: JSONValue] = [:]
  /// Whether WordPiece's tokens lose spaces before punctuation when they are read back: `cleanup`.
  private var cleansUp = false

  init(_ path: String) throws(TokenizerError) {
    self.path = path
    do throws(FormatError) {
      let (value, members) = try JSON.read(path, membersAt: ["model", "vocab"])
      guard let root = value.object else {
        throw .malformedJSON(file: path, at: 0, reason: "an object { … } should be here")
      }
      (self.root, self.members) = (root, members)
    } catch {
      throw .file(error)
    }
    for (type, step) in try steps(root["normalizer"] ?? .null, "normalizer", "normalizers") {
      normalizers.append(try normalizer(type, step))
    }
    for (type, step) in try steps(root["pre_tokenizer"] ?? .null, "pre_tokenizer", "pretokenizers")
    {
      guard !isByteLevel else { throw refusal("pre_tokenizer.type", .string(type)) }
      isByteLevel = type == "ByteLevel"
      splitters += try splitter(type, step)
    }
    try readPostProcessor(root["post_processor"] ?? .null)
    try readDecoder(root["decoder"] ?? .null)
  }

  func refusal(_ key: String, _ value: JSONValue?) -> TokenizerError {
    .file(
      .unsupportedSetting(key: key, value: value.map { JSON.write($0) } ?? "missing", file: path))
  }

  /// Checks that settings have the values that Lantern takes them for.
  func check(_ step: [String: JSONValue], _ key: String, _ allowed: [String: [JSONValue]])
    throws(TokenizerError)
  {
    for (name, values) in allowed {
      guard let value = step[name], !value.isNull, !values.contains(value) else { continue }
      throw refusal("\(key).\(name)", value)
    }
  }

  /// The steps of a step; several where it is a sequence.
  func steps(_ value: JSONValue, _ key: String, _ list: String) throws(TokenizerError)
    -> [(type: String, step: [String: JSONValue])]
  {
    if value.isNull { return [] }
    guard let step = value.object, let type = step["type"]?.string else {
      throw refusal(key, value)
    }
    guard type == "Sequence" else { return [(type, step)] }
    var all: [(type: String, step: [String: JSONValue])] = []
    for inner in step[list]?.array ?? [] {
      guard let step = inner.object, let type = step["type"]?.string, type != "Sequence" else {
        throw refusal(key, inner)
      }
      all.append((type, step))
    }
    return all
  }

  // MARK: What comes after

  private mutating func readPostProcessor(_ value: JSONValue) throws(TokenizerError) {
    for (type, step) in try steps(value, "post_processor", "processors") {
      switch type {
      // What ByteLevel changes here are offsets.
      case "ByteLevel": break
      case "TemplateProcessing":
        postProcessor = step
        // What stands in front of the text; what ends one is for encoders.
        for part in step["single"]?.array ?? [] {
          guard let token = part.object?["SpecialToken"]?.object?["id"]?.string else { break }
          beginning.append(token)
        }
      case "BertProcessing", "RobertaProcessing":
        postProcessor = step
        guard let token = step["cls"]?.array?.first?.string else {
          throw refusal("post_processor.cls", step["cls"])
        }
        beginning.append(token)
      default: throw refusal("post_processor.type", .string(type))
      }
    }
  }

  /// How tokens are read back follows from the model; the file's decoder must be one of that kind.
  private mutating func readDecoder(_ value: JSONValue) throws(TokenizerError) {
    for (type, step) in try steps(value, "decoder", "decoders") {
      switch type {
      case "ByteLevel", "ByteFallback", "Fuse": break
      case "Metaspace": try check(step, "decoder", ["replacement": ["▁"]])
      case "WordPiece": cleansUp = step["cleanup"]?.bool ?? true
      case "Strip": try check(step, "decoder", ["content": [" "]])
      case "Replace":
        try check(
          step, "decoder", ["pattern": [.object(["String": "▁"])], "content": [" "]])
      default: throw refusal("decoder.type", .string(type))
      }
    }
  }

  /// The added tokens, in the order of their ids.
  func tokens() throws(TokenizerError) -> [AddedToken] {
    var tokens: [(id: Int, token: AddedToken)] = []
    for value in root["added_tokens"]?.array ?? [] {
      do throws(FormatError) {
        let token = try AddedToken(value, key: "added_tokens", file: path)
        tokens.append((value.object?["id"]?.integer ?? .max, token))
      } catch {
        throw .file(error)
      }
    }
    return tokens.sorted { $0.id < $1.id }.map(\.token)
  }

  // MARK: Models

  /// The model, its vocabulary, and how its tokens are written.
  func model() throws(TokenizerError) -> (
    model: any PieceModel, vocabulary: TokenTable, spelling: TokenBytes.Spelling
  ) {
    guard let model = root["model"]?.object else { throw refusal("model", root["model"]) }
    let special = Set(try tokens().filter(\.isSpecial).map(\.content))
    switch model["type"]?.string ?? (model["merges"] != nil ? "BPE" : "") {
    case "BPE": return try pairs(model, special)
    case "Unigram": return try unigram(model, special)
    case "WordPiece":
      let vocabulary = try vocabulary()
      guard let name = model["unk_token"]?.string, let unknown = vocabulary[name] else {
        throw refusal("model.unk_token", model["unk_token"])
      }
      let prefix = model["continuing_subword_prefix"]?.string ?? "##"
      let length = model["max_input_chars_per_word"]?.integer ?? 100
      let plain = plain(vocabulary, special)
      let pieces = WordPieces(
        first: plain, later: WordPieces.tokens(of: plain, after: prefix), unknown: unknown,
        maximumLength: min(max(1, length), 1000))
      return (pieces, vocabulary, .words(prefix: prefix, cleansUp: cleansUp))
    case "WordLevel":
      let vocabulary = try vocabulary()
      guard let name = model["unk_token"]?.string, let unknown = vocabulary[name] else {
        throw refusal("model.unk_token", model["unk_token"])
      }
      let words = WordLevels(vocabulary: plain(vocabulary, special), unknown: unknown)
      return (words, vocabulary, .words(prefix: "", cleansUp: cleansUp))
    default: throw refusal("model.type", model["type"])
    }
  }

  /// The list of merges: two tokens each, unless the file is malformed.
  var merges: [[String]] {
    (root["model"]?.object?["merges"]?.array ?? []).map { value in
      value.array?.compactMap(\.string)
        ?? value.string?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        ?? []
    }
  }

  /// The unknown token.
  var unknown: String? { root["model"]?.object?["unk_token"]?.string }

  /// The id of the unknown token: a Unigram model has it by number.
  func unknown(in vocabulary: TokenTable) -> Int? {
    unknown.flatMap { vocabulary[$0] }.map(Int.init)
      ?? root["model"]?.object?["unk_id"]?.integer
  }

  private func vocabulary() throws(TokenizerError) -> TokenTable {
    guard let members else { throw refusal("model.vocab", nil) }
    return try TokenTable(members, file: path)
  }

  /// What text may become: special tokens are cut out before, and no model makes one of what people type.
  private func plain(_ vocabulary: TokenTable, _ special: Set<String>) -> TokenTable {
    vocabulary.filter { !special.contains($0.token) }
  }

  private func pairs(_ model: [String: JSONValue], _ special: Set<String>)
    throws(TokenizerError) -> (
      model: any PieceModel, vocabulary: TokenTable, spelling: TokenBytes.Spelling
    )
  {
    try check(
      model, "model",
      ["dropout": [0], "continuing_subword_prefix": [""], "end_of_word_suffix": [""]])
    let vocabulary = try vocabulary()
    var merges: [BytePairEncoding.Pair: Merge] = [:]
    for (index, parts) in self.merges.enumerated() {
      guard parts.count == 2 else { throw .malformedMerge(number: index + 1, file: path) }
      var ids: [Int32] = []
      for token in [parts[0], parts[1], parts[0] + parts[1]] {
        guard let id = vocabulary[token] else {
          throw .mergeOutsideVocabulary(number: index + 1, token: token, file: path)
        }
        ids.append(id)
      }
      if special.contains(parts[0] + parts[1]) { continue }
      merges[.init(ids[0], ids[1])] = Merge(rank: Int32(clamping: index), id: ids[2])
    }
    let takesWholeWords = model["ignore_merges"]?.bool ?? false
    if isByteLevel {
      let bytes = BytePairEncoding(
        vocabulary: plain(vocabulary, special), merges: merges, takesWholeWords: takesWholeWords)
      return (bytes, vocabulary, .bytes)
    }
    let unknown = UnknownCharacters(
      id: model["unk_token"]?.string.flatMap { vocabulary[$0] },
      bytesOf: model["byte_fallback"]?.bool == true ? vocabulary : nil,
      isFused: model["fuse_unk"]?.bool ?? false)
    return (
      CharacterPairs(
        vocabulary: plain(vocabulary, special), merges: merges, unknown: unknown,
        takesWholeWords: takesWholeWords),
      vocabulary, .spaces
    )
  }

  private func unigram(_ model: [String: JSONValue], _ special: Set<String>)
    throws(TokenizerError) -> (
      model: any PieceModel, vocabulary: TokenTable, spelling: TokenBytes.Spelling
    )
  {
    var pieces: [(text: String, score: Double)?] = []
    var vocabulary = TokenTable()
    for value in model["vocab"]?.array ?? [] {
      guard let pair = value.array, pair.count == 2, let text = pair[0].string,
        let score = pair[1].double
      else { throw refusal("model.vocab", value) }
      vocabulary.add(text.utf8, id: Int32(clamping: pieces.count), isPreferred: true)
      pieces.append(special.contains(text) ? nil : (text, score))
    }
    guard !pieces.isEmpty else { throw refusal("model.vocab", nil) }
    let unknown = UnknownCharacters(
      id: model["unk_id"]?.integer.flatMap { Int32(exactly: $0) },
      bytesOf: model["byte_fallback"]?.bool == true ? vocabulary : nil, isFused: true)
    return (UnigramPieces(pieces, unknown: unknown), vocabulary, .spaces)
  }
}
