import LanternPlatform
import LanternFormats

/// The files of a byte-pair tokenizer, as `transformers` (5.24) reads them: `tokenizer.json`, or else
/// `vocab.json` and `merges.txt`; with `tokenizer_config.json`, `special_tokens_map.json` and
/// `added_tokens.json`, which may be absent.
struct TokenizerFiles {
  private(set) var vocabulary = TokenTable()
  private(set) var merges: [BytePairEncoding.Pair: Merge] = [:]

  private let folder: String
  private var vocabularyFile = ""
  private var mergesFile = ""
  private var mergeCount = 0
  private var settings: [String: (value: JSONValue, file: String)] = [:]

  /// Reads the files of a folder.
  ///
  /// - Parameters:
  ///   - folder: where they are.
  ///   - changes: settings that go before those of the files.
  ///   - implied: the tokens that a list of merges implies, for folders whose settings say so
  ///     (`vocabulary_of_merges`).
  /// - Throws: ``TokenizerError``.
  init(
    folder: String, with changes: [String: JSONValue] = [:],
    implied: (([[ArraySlice<UInt8>]]) -> [String])? = nil
  ) throws(TokenizerError) {
    self.folder = folder
    try readSettings()
    for (key, value) in changes { settings[key] = (value, folder) }
    if let implied, setting("vocabulary_of_merges")?.value.bool == true {
      let path = FileSystem.join(folder, "merges.txt")
      let tokens = implied(try Self.mergeLines(path))
      vocabularyFile = path
      vocabulary = TokenTable(tokens)
      try readMerges(path)
    } else if let path = find("tokenizer.json") {
      try readTokenizerJSON(path)
    } else if let vocabulary = find("vocab.json"), let merges = find("merges.txt") {
      let read = try Self.reading { () throws(FormatError) in
        try JSON.read(vocabulary, membersAt: [])
      }
      guard let members = read.members else {
        throw .file(
          .malformedJSON(file: vocabulary, at: 0, reason: "an object { … } should be here"))
      }
      try take(vocabulary: members, vocabulary)
      try readMerges(merges)
    } else {
      let missing = find("vocab.json") == nil ? "vocab.json" : "merges.txt"
      throw .file(
        .missingFile(
          path: FileSystem.join(folder, missing),
          remedy: "a tokenizer is vocab.json and merges.txt, or tokenizer.json: fetch them"))
    }
  }

  /// A setting that is neither absent nor null, and its file.
  func setting(_ key: String) -> (value: JSONValue, file: String)? {
    settings[key].flatMap { $0.value.isNull ? nil : $0 }
  }

  /// The added tokens, and the ids of special tokens by role.
  ///
  /// - Parameters:
  ///   - defaults: the tokens of roles, as `bos_token`, that no file has.
  ///   - normalize: the normaliser.
  /// - Returns: the tokens, and ids by role.
  /// - Throws: ``TokenizerError``.
  func addedVocabulary(
    default defaults: [String: String],
    normalize: @escaping @Sendable (ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar]
  ) throws(TokenizerError) -> (vocabulary: AddedVocabulary, roles: [String: Int32]) {
    let listed = try listedTokens()
    var tokens = listed.map(\.token)
    let known = Dictionary(tokens.map { ($0.content, $0) }, uniquingKeysWith: { $1 })
    var named: [(role: String, token: AddedToken)] = []
    for role in Self.roles + otherRoles {
      if let (value, file) = setting(role) {
        let token = try Self.addedToken(value, key: role, file: file)
        named.append((role, known[token.content] ?? token))
      } else if let content = defaults[role] {
        guard vocabulary[content] != nil || known[content] != nil else {
          throw .unknownSpecialToken(key: role, token: content, file: vocabularyFile)
        }
        named.append((role, AddedToken(content, isSpecial: true)))
      }
    }
    var unique = Set(tokens)
    for token in named.map(\.token) + (try extraTokens())
    where known[token.content] == nil && unique.insert(token).inserted {
      tokens.append(token)
    }
    let names = Set(named.map(\.token.content))
    for index in tokens.indices where names.contains(tokens[index].content) {
      tokens[index].isSpecial = true
    }
    var added = AddedVocabulary(tokens, vocabulary: vocabulary, normalize: normalize)
    let moved = listed.first { added.ids[$0.token.content] != $0.number }
    if let moved, let id = added.ids[moved.token.content] {
      added.notes = [
        "\(folder): the token \(JSON.quoted(moved.token.content)) is given the number "
          + "\(moved.number) and counts as \(id): as in transformers 5, added tokens follow the "
          + "vocabulary without a gap"
      ]
    }
    var roles: [String: Int32] = [:]
    for (role, token) in named { roles[role] = added.ids[token.content] }
    return (added, roles)
  }

  private func find(_ name: String) -> String? {
    let path = FileSystem.join(folder, name)
    return FileSystem.exists(path) ? path : nil
  }

  private mutating func readSettings() throws(TokenizerError) {
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
      // With this key `transformers` ignores the second file.
      guard settings["added_tokens_decoder"] == nil, let path = find(name) else { continue }
      for (key, value) in try Self.object(path) { settings[key] = (value, path) }
    }
  }

  private mutating func take(vocabulary members: [JSON.Member], _ path: String)
    throws(TokenizerError)
  {
    vocabularyFile = path
    vocabulary = try TokenTable(members, file: path)
  }

  private mutating func readMerges(_ path: String) throws(TokenizerError) {
    mergesFile = path
    for parts in try Self.mergeLines(path) { try addMerge(parts) }
  }

  /// The lines of a file of merges, each in its parts.
  private static func mergeLines(_ path: String) throws(TokenizerError) -> [[ArraySlice<UInt8>]] {
    let bytes = try reading { () throws(FormatError) in
      try FileSystem.read(path, limit: JSON.sizeLimit)
    }
    if bytes.isEmpty { throw .file(.empty(path: path)) }
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return line.isEmpty || line.starts(with: "#version".utf8) ? nil : parts(line)
    }
  }

  /// Adds a merge; of duplicates the last counts.
  private mutating func addMerge(_ parts: [some Collection<UInt8>]) throws(TokenizerError) {
    mergeCount += 1
    guard parts.count == 2 else { throw .malformedMerge(number: mergeCount, file: mergesFile) }
    let left = String(decoding: parts[0], as: UTF8.self)
    let right = String(decoding: parts[1], as: UTF8.self)
    let pair = BytePairEncoding.Pair(try idOfMerged(left), try idOfMerged(right))
    merges[pair] = Merge(
      rank: Int32(clamping: mergeCount - 1), id: try idOfMerged(left + right))
  }

  /// The two tokens of a line; three parts if it has more.
  private static func parts(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    line.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
  }

  private func idOfMerged(_ token: String) throws(TokenizerError) -> Int32 {
    guard let id = vocabulary[token] else {
      throw .mergeOutsideVocabulary(number: mergeCount, token: token, file: mergesFile)
    }
    return id
  }

  private mutating func readTokenizerJSON(_ path: String) throws(TokenizerError) {
    mergesFile = path
    let (root, vocabulary) = try Self.reading { () throws(FormatError) in
      try JSON.read(path, membersAt: ["model", "vocab"])
    }
    guard let model = root.object?["model"]?.object else {
      throw .file(.wrongType(key: "model", expected: "an object", file: path))
    }
    let merges = model["merges"]?.array
    guard model["type"] == nil || model["type"] == .string("BPE"), let vocabulary, let merges else {
      let type = model["type"]?.string ?? "without vocab or merges"
      throw .file(.unsupportedSetting(key: "model.type", value: type, file: path))
    }
    try take(vocabulary: vocabulary, path)
    for merge in merges {
      if let pair = merge.array?.compactMap(\.string) {
        try addMerge(pair.map { Array($0.utf8)[...] })
      } else {
        let line = Array((merge.string ?? "").utf8)
        try addMerge(Self.parts(line[...]))
      }
    }
  }

  /// The added tokens of `tokenizer_config.json`, or else of `added_tokens.json` and `tokenizer.json`, ordered
  /// by the ids there; the ids that count follow from the order.
  private func listedTokens() throws(TokenizerError) -> [(number: Int32, token: AddedToken)] {
    var tokens: [Int32: AddedToken] = [:]
    if let (value, file) = setting("added_tokens_decoder") {
      for (id, value) in value.object ?? [:] {
        let token = try Self.addedToken(value, key: "added_tokens_decoder.\(id)", file: file)
        let number = Int(id).map { JSONValue.integer($0) } ?? .string(id)
        tokens[try TokenTable.id(number, of: token.content, file)] = token
      }
    } else {
      if let path = find("added_tokens.json") {
        let special = Set(
          Self.roles.compactMap { role in
            setting(role).flatMap { $0.value.string ?? $0.value.object?["content"]?.string }
          } + (try extraTokens().map(\.content)))
        for (text, id) in try Self.object(path) {
          var token = try Self.addedToken(.string(text), key: "added tokens", file: path)
          token.isSpecial = special.contains(text)
          tokens[try TokenTable.id(id, of: text, path)] = token
        }
      }
      if let path = find("tokenizer.json") {
        let (root, _) = try Self.reading { () throws(FormatError) in
          try JSON.read(path, membersAt: ["model", "vocab"])
        }
        for value in root.object?["added_tokens"]?.array ?? [] {
          let token = try Self.addedToken(value, key: "added_tokens", file: path)
          let id = value.object?["id"] ?? .null
          tokens[try TokenTable.id(id, of: token.content, path)] = token
        }
      }
    }
    return tokens.sorted { $0.key < $1.key }.map { (number: $0.key, token: $0.value) }
  }

  /// Special tokens without a role.
  private func extraTokens() throws(TokenizerError) -> [AddedToken] {
    let keys = ["extra_special_tokens", "additional_special_tokens"]
    let lists = keys.compactMap { key in setting(key).map { (key, $0) } }
    guard let (key, (value, file)) = lists.first(where: { $0.1.value.array?.isEmpty == false })
    else { return [] }
    return try (value.array ?? []).map { value throws(TokenizerError) in
      try Self.addedToken(value, key: key, file: file)
    }
  }

  /// Roles of special tokens of single models, as `image_token`.
  private var otherRoles: [String] {
    settings.keys.filter { key in
      guard key.hasSuffix("_token"), !Self.roles.contains(key) else { return false }
      let value = settings[key]?.value
      return value?.string != nil || value?.object?["content"] != nil
    }.sorted()
  }

  private static let roles = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  private static func addedToken(_ value: JSONValue, key: String, file: String)
    throws(TokenizerError) -> AddedToken
  {
    try reading { () throws(FormatError) in try AddedToken(value, key: key, file: file) }
  }

  private static func object(_ path: String) throws(TokenizerError) -> [String: JSONValue] {
    try reading { () throws(FormatError) in
      guard let members = try JSON.read(path).object else {
        throw .malformedJSON(file: path, at: 0, reason: "an object { … } should be here")
      }
      return members
    }
  }

  private static func reading<Value>(_ body: () throws(FormatError) -> Value)
    throws(TokenizerError) -> Value
  {
    do { return try body() } catch { throw .file(error) }
  }
}
