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
  private(set) var isByteLevel = false
  private(set) var beginning: [String] = []

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
    try readNormalizer(root["normalizer"] ?? .null)
    try readSplitter(root["pre_tokenizer"] ?? .null)
    try readPostProcessor(root["post_processor"] ?? .null)
    try checkDecoder(root["decoder"] ?? .null)
  }

  private func refusal(_ key: String, _ value: JSONValue?) -> TokenizerError {
    .file(.unsupportedSetting(key: key, value: value.map(JSON.write) ?? "missing", file: path))
  }

  /// Checks that settings have the values that Lantern takes them for.
  private func check(_ step: [String: JSONValue], _ key: String, _ allowed: [String: [JSONValue]])
    throws(TokenizerError)
  {
    for (name, values) in allowed {
      guard let value = step[name], !value.isNull, !values.contains(value) else { continue }
      throw refusal("\(key).\(name)", value)
    }
  }

  /// The steps of a step; several where it is a sequence.
  private func steps(_ value: JSONValue, _ key: String, _ list: String) throws(TokenizerError)
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

  // MARK: Normalizers

  private mutating func readNormalizer(_ value: JSONValue) throws(TokenizerError) {
    for (type, step) in try steps(value, "normalizer", "normalizers") {
      switch type {
      case "NFC": normalizers.append(.nfc)
      case "Lowercase": normalizers.append(.lowercase)
      case "Strip":
        normalizers.append(
          .strip(
            left: step["strip_left"]?.bool ?? true, right: step["strip_right"]?.bool ?? true))
      case "Prepend":
        normalizers.append(.prepend(Array((step["prepend"]?.string ?? "").unicodeScalars)))
      case "Replace":
        guard let old = step["pattern"]?.object?["String"]?.string, !old.isEmpty,
          let new = step["content"]?.string
        else { throw refusal("normalizer.pattern", step["pattern"]) }
        normalizers.append(.replace(Array(old.unicodeScalars), with: Array(new.unicodeScalars)))
      case "BertNormalizer":
        let lowercases = step["lowercase"]?.bool ?? true
        // Without it accents go where letters become small; Swift has no public decomposition (NFD) for that.
        guard !(step["strip_accents"]?.bool ?? lowercases) else {
          throw refusal("normalizer.strip_accents", step["strip_accents"] ?? .null)
        }
        normalizers.append(
          .bert(
            cleans: step["clean_text"]?.bool ?? true,
            spacesChinese: step["handle_chinese_chars"]?.bool ?? true,
            lowercases: lowercases))
      default: throw refusal("normalizer.type", .string(type))
      }
    }
  }

  // MARK: Pre-tokenizers

  /// Regular expressions of pre-tokenizers, as their models' files write them.
  private static let expressions: [String: WordSplit] = [
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
      .llama3,
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
      .qwen2,
    #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
  ]

  private mutating func readSplitter(_ value: JSONValue) throws(TokenizerError) {
    for (type, step) in try steps(value, "pre_tokenizer", "pretokenizers") {
      guard !isByteLevel else { throw refusal("pre_tokenizer.type", .string(type)) }
      switch type {
      case "ByteLevel":
        isByteLevel = true
        if step["add_prefix_space"]?.bool ?? true { splitters.append(.addsSpace) }
        if step["use_regex"]?.bool ?? true { splitters.append(.words(.gpt2)) }
      case "Split": try readSplit(step)
      case "Digits":
        splitters.append(.digits(areIndividual: step["individual_digits"]?.bool ?? false))
      case "WhitespaceSplit": splitters.append(.whitespace)
      case "BertPreTokenizer": splitters.append(.bert)
      case "Metaspace":
        try check(step, "pre_tokenizer", ["replacement": ["▁"]])
        let old: TextSplitter.Prefix = step["add_prefix_space"]?.bool ?? true ? .always : .never
        let scheme = step["prepend_scheme"]?.string
        guard let prefix = scheme.map(TextSplitter.Prefix.init(rawValue:)) ?? old else {
          throw refusal("pre_tokenizer.prepend_scheme", step["prepend_scheme"])
        }
        splitters.append(.metaspace(prefix, splits: step["split"]?.bool ?? true))
      default: throw refusal("pre_tokenizer.type", .string(type))
      }
    }
  }

  private mutating func readSplit(_ step: [String: JSONValue]) throws(TokenizerError) {
    try check(step, "pre_tokenizer", ["invert": [false]])
    guard let name = step["behavior"]?.string, let behavior = TextSplitter.Behavior(rawValue: name)
    else { throw refusal("pre_tokenizer.behavior", step["behavior"]) }
    let pattern = step["pattern"]?.object ?? [:]
    if let text = pattern["String"]?.string, !text.isEmpty {
      splitters.append(.literal(Array(text.unicodeScalars), behavior))
    } else if let words = pattern["Regex"]?.string.flatMap({ Self.expressions[$0] }),
      behavior == .isolated
    {
      splitters.append(.words(words))
    } else {
      throw refusal("pre_tokenizer.pattern", step["pattern"])
    }
  }

  // MARK: What comes after

  private mutating func readPostProcessor(_ value: JSONValue) throws(TokenizerError) {
    for (type, step) in try steps(value, "post_processor", "processors") {
      switch type {
      // What ByteLevel changes here are offsets.
      case "ByteLevel": break
      case "TemplateProcessing":
        // What stands in front of the text; what ends one is for encoders.
        for part in step["single"]?.array ?? [] {
          guard let token = part.object?["SpecialToken"]?.object?["id"]?.string else { break }
          beginning.append(token)
        }
      case "BertProcessing", "RobertaProcessing":
        guard let token = step["cls"]?.array?.first?.string else {
          throw refusal("post_processor.cls", step["cls"])
        }
        beginning.append(token)
      default: throw refusal("post_processor.type", .string(type))
      }
    }
  }

  /// How tokens are read back follows from the model; the file's decoder must be one of that kind.
  private func checkDecoder(_ value: JSONValue) throws(TokenizerError) {
    for (type, step) in try steps(value, "decoder", "decoders") {
      switch type {
      case "ByteLevel", "ByteFallback", "Fuse", "Metaspace", "WordPiece": break
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
      let pieces = WordPieces(
        plain(vocabulary, special), prefix: prefix, unknown: unknown,
        maximumLength: min(max(1, length), 1000))
      return (pieces, vocabulary, .words(prefix: prefix))
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
      let bytes = BytePairs(
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
