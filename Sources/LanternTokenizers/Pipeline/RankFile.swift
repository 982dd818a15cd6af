import LanternFormats
import LanternPlatform

/// Byte-level BPE by ranks, tiktoken's: tokens are bytes in base64, each with its rank, which is its id. Of all adjacent
/// parts of a word those are merged that are the token of lowest rank together.
///
/// A file says neither how text is cut into words nor which tokens are special: that follows from its name.
struct RankFile {
  private(set) var ranks: [(bytes: [UInt8], id: Int32)] = []
  private(set) var words: WordSplit
  /// Special tokens with their ids.
  private(set) var special: [(content: String, id: Int32)] = []
  /// The tokens that a text begins and ends with, those of ``special`` or nil.
  private(set) var roles: (beginning: String?, end: String, padding: String?)
  private let path: String

  /// What a name says.
  private struct Kind {
    let words: WordSplit
    var special: [String] = []
    /// The id of the first special token; nil where they follow the last rank.
    var first: Int32?
    /// Special tokens whose ids do not follow.
    var others: [String: Int32] = [:]
    var roles: (beginning: String?, end: String, padding: String?) = (nil, "<|endoftext|>", nil)
  }

  /// The names of files, without `.tiktoken`.
  private static let kinds: [String: Kind] = {
    let end = ["<|endoftext|>"]
    let gaps = ["<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"]
    return [
      "qwen": Kind(
        words: .qwen2,
        special: end + ["<|im_start|>", "<|im_end|>"] + (0..<205).map { "<|extra_\($0)|>" },
        first: 151_643),
      "cl100k_base": Kind(
        words: .cl100k, special: end + gaps, first: 100_257,
        others: ["<|endofprompt|>": 100_276]),
      "o200k_base": Kind(
        words: .gpt4o, special: end, first: 199_999, others: ["<|endofprompt|>": 200_018]),
      "p50k_base": Kind(words: .gpt2, special: end, first: 50_256),
      "r50k_base": Kind(words: .gpt2, special: end, first: 50_256),
    ]
  }()

  /// Llama 3's, whose file is called `tokenizer.model` as sentencepiece's are (llama-models 0.3).
  private static let llama: Kind = {
    let text = "<|begin_of_text|>", end = "<|end_of_text|>", padding = "<|finetune_right_pad_id|>"
    func reserved(_ range: Range<Int>) -> [String] {
      range.map { "<|reserved_special_token_\($0)|>" }
    }
    let special =
      [text, end] + reserved(0..<2)
      + [
        padding, "<|step_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>",
        "<|eot_id|>", "<|python_tag|>", "<|image|>",
      ]
    return Kind(
      words: .llama3, special: special + reserved(2..<2 + 256 - special.count),
      roles: (text, end, padding))
  }()

  /// The most tokens of a `tokenizer.model` that are Llama 3's: Llama 4's has 200,000, cut into other words.
  private static let llamaLimit = 128_000

  /// Whether a file is of ranks: sentencepiece's begin with the mark of their first piece.
  static func isRanks(_ path: String) -> Bool {
    (try? FileSystem.beginning(of: path, count: 1)).map { $0 != [0x0A] } ?? false
  }

  /// Reads a file.
  ///
  /// - Throws: ``TokenizerError`` for a name that Lantern does not know, and malformed lines.
  init(_ path: String) throws(TokenizerError) {
    let name = String(path.split(separator: "/").last ?? "")
    let isLlama = name == "tokenizer.model"
    guard let kind = isLlama ? Self.llama : Self.kinds[String(name.dropLast(".tiktoken".count))]
    else {
      let known = Self.kinds.keys.sorted().map { "\($0).tiktoken" }
      throw .unknownClass(name: name, known: known + ["tokenizer.model"], file: path)
    }
    (self.path, words, roles) = (path, kind.words, kind.roles)
    try readLines()
    if isLlama, ranks.count > Self.llamaLimit {
      throw .file(
        .unsupportedFileKind(
          path: path,
          remedy: "has \(ranks.count) tokens, as Llama 4's, which Lantern does not have: "
            + "take a folder with tokenizer.json"))
    }
    let first = kind.first ?? (ranks.map(\.id).max() ?? -1) + 1
    special = zip(kind.special, first...).map { ($0, $1) } + kind.others.map { ($0, $1) }
  }

  private mutating func readLines() throws(TokenizerError) {
    let bytes: [UInt8]
    do throws(FormatError) {
      bytes = try FileSystem.read(path, limit: JSON.sizeLimit)
    } catch {
      throw .file(error)
    }
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard parts.count == 2, let token = Base64.decode(parts[0]), !token.isEmpty,
        let id = Int32(String(decoding: parts[1], as: UTF8.self)), (0..<1 << 24).contains(id)
      else { throw .file(malformed("line \(index + 1) is not a token in base64 and its rank")) }
      ranks.append((token, id))
    }
    try checkBytes()
  }

  /// Any text is bytes: each must be a token.
  private func checkBytes() throws(TokenizerError) {
    let single = Set(ranks.lazy.map(\.bytes).filter { $0.count == 1 }.compactMap(\.first))
    guard let missing = (UInt8.min...UInt8.max).first(where: { !single.contains($0) }) else {
      return
    }
    throw .file(malformed("the byte \(missing) is no token"))
  }

  private func malformed(_ reason: String) -> FormatError {
    .unsupportedFileKind(
      path: path,
      remedy: "is no file of ranks that Lantern reads: \(reason); \(FormatError.mending)")
  }

  // MARK: tekken.json

  /// Reads Mistral's `tekken.json`: special tokens first, then the ranks, of which the last may be for no use.
  ///
  /// - Throws: ``TokenizerError``.
  init(tekken path: String) throws(TokenizerError) {
    self.path = path
    (words, roles) = (.tekken, ("<s>", "</s>", "<pad>"))
    let root: [String: JSONValue]
    do throws(FormatError) { root = try JSON.read(path).object ?? [:] } catch { throw .file(error) }
    let config = root["config"]?.object ?? [:]
    let pattern = config["pattern"]?.string ?? ""
    guard let words = WordSplit(expression: pattern) else {
      throw .file(
        .unsupportedSetting(key: "config.pattern", value: JSON.quoted(pattern), file: path))
    }
    self.words = words
    guard let size = config["default_vocab_size"]?.integer,
      let count = config["default_num_special_tokens"]?.integer,
      (0...1 << 20).contains(count), (count...1 << 24).contains(size)
    else { throw .file(malformed("it does not say how many tokens it has")) }
    for value in (root["vocab"]?.array ?? []).prefix(size - count) {
      guard let text = value.object?["token_bytes"]?.string, let token = Base64.decode(text.utf8),
        !token.isEmpty, value.object?["rank"]?.integer == ranks.count
      else { throw .file(malformed("token \(ranks.count) is not its rank and bytes in base64")) }
      ranks.append((token, Int32(clamping: ranks.count + count)))
    }
    try checkBytes()
    let named = (root["special_tokens"]?.array).map { $0.map { $0.object?["token_str"]?.string } }
    special = (0..<count).map { id in
      let name = named.map { id < $0.count ? $0[id] : nil } ?? Self.oldTekken.dropFirst(id).first
      return (name ?? "<SPECIAL_\(id)>", Int32(clamping: id))
    }
  }

  /// The special tokens of files that do not list them (mistral-common 1.13, versions 3 and 7).
  private static let oldTekken = [
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]",
    "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
  ]
}

extension PipelineTokenizer {
  /// The tokenizer of a file of ranks.
  init(_ file: RankFile) {
    var vocabulary = TokenTable()
    for (bytes, id) in file.ranks {
      vocabulary.add(BytePairEncoding.spelling(of: bytes).utf8, id: id)
    }
    var ids: [String: Int] = [:]
    for (content, id) in file.special {
      vocabulary.add(content.utf8, id: id, isPreferred: true)
      ids[content] = Int(id)
    }
    // Floats hold ids as they are.
    let model = ScoredPairs(
      file.ranks.map { (bytes: $0.bytes[...], id: $0.id, score: -Float($0.id)) },
      unknown: UnknownCharacters(id: nil, bytesOf: nil, isFused: false), isOfBytes: true)
    let end = ids[file.roles.end] ?? 0
    let beginning = file.roles.beginning.flatMap { ids[$0] }
    self.init(
      tokens: file.special.map { AddedToken($0.content, isSpecial: true, isNormalized: false) },
      vocabulary: vocabulary, normalizers: [], splitters: [.words(file.words)], model: model,
      spelling: .bytes,
      window: TokenWindow(
        beginning: beginning ?? end, end: end,
        padding: file.roles.padding.flatMap { ids[$0] } ?? end, length: 2048),
      beginning: beginning.map { [$0] } ?? [])
  }
}
