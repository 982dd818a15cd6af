import LanternFormats

/// What the files of a byte-pair tokenizer say, as `transformers` lays them out: `vocab.json` and
/// `merges.txt`, or `tokenizer.json` in place of them, beside `tokenizer_config.json`,
/// `special_tokens_map.json` and `added_tokens.json`, which may be absent.
struct TokenizerFiles {
  private(set) var vocabulary: [String: Int32] = [:]
  private(set) var merges: [(String, String)] = []
  private(set) var mergesFile = ""
  /// Tokens beside the vocabulary, or in it with flags.
  private(set) var added: [(token: AddedToken, id: Int32)] = []

  private let folder: String
  private var vocabularyFile = ""
  private var settings: [String: (value: JSONValue, file: String)] = [:]

  init(folder: String) throws(TokenizerError) {
    self.folder = folder
    try readSettings()
    if let vocabulary = find("vocab.json"), let merges = find("merges.txt") {
      try take(vocabulary: Self.object(vocabulary), vocabulary)
      try readMerges(merges)
    } else if let path = find("tokenizer.json") {
      try readTokenizerJSON(path)
    } else {
      let missing = find("vocab.json") == nil ? "vocab.json" : "merges.txt"
      throw .file(
        .missingFile(
          path: FileSystem.join(folder, missing),
          remedy: "a tokenizer is vocab.json and merges.txt, or tokenizer.json: fetch them"))
    }
    try readAddedTokens()
  }

  /// A setting that is neither absent nor null, and the file where it stands.
  func setting(_ key: String) -> (value: JSONValue, file: String)? {
    settings[key].flatMap { $0.value.isNull ? nil : $0 }
  }

  /// The special token that a setting names, `standard` where it is absent.
  func specialToken(_ key: String, default standard: String?) throws(TokenizerError)
    -> (token: AddedToken, id: Int32)?
  {
    let fallback = standard.map { (value: JSONValue.string($0), file: vocabularyFile) }
    guard let (value, file) = setting(key) ?? fallback else { return nil }
    let token = try Self.addedToken(value, key: key, file: file)
    if let known = added.first(where: { $0.token.content == token.content }) { return known }
    guard let id = vocabulary[token.content] else {
      throw .unknownSpecialToken(key: key, token: token.content, file: file)
    }
    return (token, id)
  }

  private func find(_ name: String) -> String? {
    let path = FileSystem.join(folder, name)
    return FileSystem.exists(path) ? path : nil
  }

  private mutating func readSettings() throws(TokenizerError) {
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
      // With this key the first file says all, and `transformers` passes the second over.
      guard settings["added_tokens_decoder"] == nil, let path = find(name) else { continue }
      for (key, value) in try Self.object(path) { settings[key] = (value, path) }
    }
  }

  private mutating func take(vocabulary members: [String: JSONValue], _ path: String)
    throws(TokenizerError)
  {
    vocabularyFile = path
    vocabulary.reserveCapacity(members.count)
    for (token, value) in members { vocabulary[token] = try Self.id(value, of: token, path) }
  }

  private mutating func readMerges(_ path: String) throws(TokenizerError) {
    mergesFile = path
    let bytes = try Self.reading { () throws(FormatError) in
      try FileSystem.read(path, limit: 256 << 20)
    }
    if bytes.isEmpty { throw .file(.empty(path: path)) }
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if line.isEmpty || line.starts(with: "#version".utf8) { continue }
      try addMerge(line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false))
    }
  }

  private mutating func addMerge(_ parts: [some Collection<UInt8>]) throws(TokenizerError) {
    guard parts.count == 2 else {
      throw .malformedMerge(number: merges.count + 1, file: mergesFile)
    }
    let (left, right) = (parts[0], parts[1])
    merges.append((String(decoding: left, as: UTF8.self), String(decoding: right, as: UTF8.self)))
  }

  private mutating func readTokenizerJSON(_ path: String) throws(TokenizerError) {
    mergesFile = path
    let model = try Self.object(path, at: "model")
    let vocabulary = model["vocab"]?.object
    let merges = model["merges"]?.array
    guard model["type"] == nil || model["type"] == .string("BPE"), let vocabulary, let merges else {
      let type = model["type"]?.string ?? "without vocab or merges"
      throw .file(.unsupportedSetting(key: "model.type", value: type, file: path))
    }
    try take(vocabulary: vocabulary, path)
    for merge in merges {
      if let pair = merge.array?.compactMap(\.string) {
        try addMerge(pair.map(\.utf8))
      } else {
        let line = Array((merge.string ?? "").utf8)
        try addMerge(line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false))
      }
    }
  }

  private mutating func readAddedTokens() throws(TokenizerError) {
    if let (value, file) = setting("added_tokens_decoder") {
      for (id, value) in value.object ?? [:] {
        let token = try Self.addedToken(value, key: "added_tokens_decoder.\(id)", file: file)
        let number = Int(id).map { JSONValue.integer($0) } ?? .string(id)
        added.append((token, try Self.id(number, of: token.content, file)))
      }
    } else {
      if let path = find("added_tokens.json") {
        for (text, id) in try Self.object(path) {
          var token = AddedToken(text)
          token.isNormalized = !Self.namedTokens.contains { setting($0)?.value == .string(text) }
          added.append((token, try Self.id(id, of: text, path)))
        }
      }
      if let path = find("tokenizer.json") {
        for value in try Self.object(path)["added_tokens"]?.array ?? [] {
          let token = try Self.addedToken(value, key: "added_tokens", file: path)
          let id = value.object?["id"] ?? .null
          added.append((token, try Self.id(id, of: token.content, path)))
        }
      }
    }
    // The vocabulary's id counts; only tokens that it lacks take the id given here.
    added = added.map { ($0.token, vocabulary[$0.token.content] ?? $0.id) }
    added.sort { $0.id < $1.id }
  }

  private static let namedTokens = [
    "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token",
  ]

  private static func id(_ value: JSONValue, of token: String, _ file: String)
    throws(TokenizerError) -> Int32
  {
    guard let id = value.integer.flatMap({ Int32(exactly: $0) }), id >= 0 else {
      throw .badID(token: token, file: file)
    }
    return id
  }

  private static func addedToken(_ value: JSONValue, key: String, file: String)
    throws(TokenizerError) -> AddedToken
  {
    try reading { () throws(FormatError) in
      guard let token = try AddedToken(value, key: key, file: file) else {
        throw .wrongType(key: key, expected: "a text, or an object with \"content\"", file: file)
      }
      return token
    }
  }

  private static func object(_ path: String, at key: String? = nil) throws(TokenizerError)
    -> [String: JSONValue]
  {
    try reading { () throws(FormatError) in
      guard case .object(let members) = try JSON.read(path) else {
        throw .malformedJSON(file: path, at: 0, reason: "an object { … } should be here")
      }
      guard let key else { return members }
      guard let inner = members[key]?.object else {
        throw .wrongType(key: key, expected: "an object", file: path)
      }
      return inner
    }
  }

  private static func reading<Value>(_ body: () throws(FormatError) -> Value)
    throws(TokenizerError) -> Value
  {
    do { return try body() } catch { throw .file(error) }
  }
}
