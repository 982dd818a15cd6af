import LanternFormats
import LanternModels
import LanternPlatform

/// What an embedder's files say of how vectors are made: sentence-transformers' `modules.json` with what it names, or a
/// GGUF file's `pooling_type`.
struct EmbeddingFiles: Sendable {
  /// A module behind the pooling.
  enum Module: Sendable, Equatable {
    case network(kind: String, folder: String)
    /// A matrix of a GGUF file.
    case map(name: String, file: String)
    case normalize
  }

  /// Path of the network: a GGUF file, or a folder.
  private(set) var network: String
  /// How states are pooled; nil where no file says.
  private(set) var pooling: [TextEmbedder.Pooling]?
  /// Whether a prompt's tokens are pooled with those of the text.
  private(set) var poolsPrompts = true
  /// What comes behind.
  private(set) var modules: [Module] = []
  /// Tokens of a text at most; nil where no file says.
  private(set) var maximumLength: Int?
  /// Whether texts are read in lower case.
  private(set) var lowercases = false
  /// Texts to put in front, by name.
  private(set) var prompts: [String: String] = [:]
  private(set) var defaultPrompt: String?
  private(set) var notes: [String] = []

  /// Reads the files.
  ///
  /// - Parameter path: a GGUF file, or a folder.
  /// - Throws: ``FormatError`` for a module or a setting that is not here.
  init(_ path: String) throws(FormatError) {
    network = path
    guard FileSystem.isDirectory(path) else {
      // A table of vectors says nothing of pooling.
      if path.hasSuffix(".safetensors") { return }
      let file = try GGUFFile(path)
      pooling = try Self.pooling(of: file)
      modules = GGUFLanguageModel.maps.filter(file.contains).map { .map(name: $0, file: path) }
      return
    }
    let file = FileSystem.join(path, "modules.json")
    if FileSystem.exists(file) {
      try readModules(file, path)
    } else {
      try readPooling(FileSystem.join(path, "1_Pooling"))
    }
    try readLength()
    try readPrompts(FileSystem.join(path, "config_sentence_transformers.json"))
  }

  /// A text as the network reads it.
  func plain(_ text: String) -> String { lowercases ? text.lowercased() : text }

  /// The text of a prompt.
  ///
  /// - Parameter name: its name; the default one when nil, none where it is empty.
  /// - Returns: the text; an empty one for no prompt.
  /// - Throws: ``RequestError/range(name:found:allowed:)`` for one that is not there.
  func text(ofPrompt name: String?) throws(RequestError) -> String {
    guard let name = name ?? defaultPrompt, !name.isEmpty else { return "" }
    guard let text = prompts[name] else {
      let names = prompts.keys.sorted().map(JSON.quoted).joined(separator: ", ")
      throw .range(
        name: "prompt", found: JSON.quoted(name),
        allowed: names.isEmpty ? "none, for the model has none" : names)
    }
    return text
  }

  // MARK: Files

  private mutating func readModules(_ file: String, _ folder: String) throws(FormatError) {
    guard let rows = try JSON.read(file).array, !rows.isEmpty, rows.count <= 64 else {
      throw .wrongType(key: "modules", expected: "a list of modules", file: file)
    }
    var isTable = false
    for (index, row) in rows.enumerated() {
      let name = row.object?["path"]?.string ?? ""
      // A path within the folder alone.
      guard let type = row.object?["type"]?.string, !name.hasPrefix("/"), !name.contains("\\"),
        !name.contains("\0"), !name.split(separator: "/").contains("..")
      else {
        throw .unsupportedSetting(key: "path", value: JSON.quoted(name), file: file)
      }
      let path = name.isEmpty || name == "." ? folder : FileSystem.join(folder, name)
      let kind = type.split(separator: ".").last.map(String.init) ?? ""
      switch (kind, index) {
      case ("Transformer", 0): network = path
      // Its vectors are averaged; no module says so.
      case ("StaticEmbedding", 0):
        network = path
        isTable = true
      case ("Pooling", 1) where !isTable: try readPooling(path)
      case ("Normalize", 1...): modules.append(.normalize)
      case (_, (isTable ? 1 : 2)...) where ModelCatalogue.vectorModules[kind] != nil:
        modules.append(.network(kind: kind, folder: path))
      default: throw .unsupportedSetting(key: "type", value: JSON.quoted(type), file: file)
      }
    }
  }

  /// sentence-transformers' names of ways to pool, in the order in which vectors of several stand.
  private static let names: [(key: String, name: String, pooling: TextEmbedder.Pooling)] = [
    ("pooling_mode_cls_token", "cls", .cls), ("pooling_mode_max_tokens", "max", .max),
    ("pooling_mode_mean_tokens", "mean", .mean),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", .meanSqrt),
    ("pooling_mode_weightedmean_tokens", "weightedmean", .weightedMean),
    ("pooling_mode_lasttoken", "lasttoken", .last),
  ]

  private mutating func readPooling(_ folder: String) throws(FormatError) {
    let file = FileSystem.join(folder, "config.json")
    guard FileSystem.exists(file) else { return }
    let config = try Config(path: file)
    poolsPrompts = try config.bool("include_prompt", default: true)
    var chosen: [TextEmbedder.Pooling] = []
    for row in Self.names where try config.bool(row.key, default: false) {
      chosen.append(row.pooling)
    }
    if let value = config.value("pooling_mode"), value != .null {
      chosen = try (value.array ?? [value]).map { mode throws(FormatError) in
        guard let row = Self.names.first(where: { $0.name == mode.string }) else {
          throw .unsupportedSetting(key: "pooling_mode", value: JSON.write(mode), file: file)
        }
        return row.pooling
      }
    }
    for key in config.keys where key.hasPrefix("pooling_mode_") && !Self.isKnown(key) {
      try config.expect(key, [.bool(false)])
    }
    guard chosen.count <= Self.names.count else {
      throw .unsupportedSetting(key: "pooling_mode", value: "of \(chosen.count)", file: file)
    }
    pooling = chosen.isEmpty ? [.mean] : chosen
    try config.finish(ignoring: ["word_embedding_dimension", "embedding_dimension"])
    notes += config.notes
  }

  private static func isKnown(_ key: String) -> Bool { names.contains { $0.key == key } }

  /// How long texts may be, and whether they are read in lower case: files in the network's folder.
  private mutating func readLength() throws(FormatError) {
    let settings = FileSystem.join(network, "tokenizer_config.json")
    if FileSystem.exists(settings) {
      let length = try JSON.read(settings).object?["model_max_length"]?.integer
      // What transformers writes where nothing is known is beyond that.
      maximumLength = length.flatMap { (1...1_000_000).contains($0) ? $0 : nil }
    }
    for kind in ["bert", "roberta", "distilbert", "xlm-roberta", "camembert"] {
      let file = FileSystem.join(network, "sentence_\(kind)_config.json")
      guard FileSystem.exists(file) else { continue }
      let config = try Config(path: file)
      if let length = try config.optionalInteger("max_seq_length") {
        guard length > 0 else {
          throw .unsupportedSetting(key: "max_seq_length", value: "\(length)", file: file)
        }
        maximumLength = length
      }
      lowercases = try config.bool("do_lower_case", default: false)
      return
    }
  }

  private mutating func readPrompts(_ file: String) throws(FormatError) {
    guard FileSystem.exists(file) else { return }
    let config = try Config(path: file)
    for (name, value) in config.value("prompts")?.object ?? [:] { prompts[name] = value.string }
    defaultPrompt = try config.optionalString("default_prompt_name")
  }

  /// llama.cpp's `llama_pooling_type`.
  private static let numbers: [Int: TextEmbedder.Pooling] = [1: .mean, 2: .cls, 3: .last]

  /// How states are pooled as a GGUF file says it, the mean where no file of the model does.
  ///
  /// - Returns: the key `pooling_type`.
  /// - Throws: ``FormatError`` for what no such file says: several ways, or modules behind the pooling.
  func poolingField() throws(FormatError) -> GGUFField {
    let ways = pooling ?? [.mean]
    guard ways.count == 1, let number = Self.numbers.first(where: { $0.value == ways[0] })?.key,
      modules.allSatisfy({ $0 == .normalize })
    else {
      throw .unsupportedFileKind(
        path: network,
        remedy: "its vectors are pooled by \(ways.map(\.rawValue).joined(separator: " and ")) with "
          + "\(modules.count) modules behind, which no GGUF file of an encoder says")
    }
    return GGUFField("bert.pooling_type", number)
  }

  /// How a GGUF file says that its states are pooled; nil where it does not.
  private static func pooling(of file: GGUFFile) throws(FormatError) -> [TextEmbedder.Pooling]? {
    let values = file.values
    let architecture = values["general.architecture"]?.string ?? ""
    let key = "\(architecture).pooling_type"
    guard let number = values[key]?.integer, number != 0 else { return nil }
    guard let pooling = numbers[number] else {
      throw .unsupportedSetting(key: key, value: "\(number)", file: file.path)
    }
    return [pooling]
  }
}
