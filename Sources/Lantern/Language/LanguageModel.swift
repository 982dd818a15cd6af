import LanternPlatform
import LanternFormats
import LanternLayers
package import LanternModels
import LanternTensor
package import LanternTokenizers

/// A language model with its tokenizer, loaded from a GGUF file or a folder as transformers lays it out.
package struct LanguageModel: Sendable {
  /// Path of the file or folder.
  package let path: String
  /// The class of its network.
  package let className: String
  package private(set) var network: any CausalLanguageModel
  /// Tokens that the encoder of an encoder–decoder has read; nil before, and for other models.
  private(set) var encodedTokens: Int?
  package let tokenizer: any LanguageTokenizer
  let precision: Precision
  /// What keys and values are kept in.
  let cacheType: KVCacheType
  /// Bytes of memory that its weights take.
  package let weightBytes: Int
  /// Where its weights are from.
  let weights: TensorArchive
  /// What was added to them.
  let loras: [LoRA]
  /// Its settings.
  let settings: JSONValue
  /// Ids that every text begins with.
  package let beginning: [Int]
  /// Ids that end a text.
  package var ends: Set<Int>
  /// How the model's files say that conversations are written, and which of them does.
  let chatTemplate: (source: String, file: String)?
  /// The template of conversations with tools, where the files have one of its own.
  let toolTemplate: (source: String, file: String)?
  /// What was read otherwise than the files may lead to expect: a line each.
  package let notes: [String]
  /// Whether special tokens are left out of texts that are written.
  var skipsSpecialTokens = false

  static let stems = ["model", "pytorch_model"]

  /// Loads the model.
  ///
  /// - Parameters:
  ///   - path: a GGUF file, or a folder with `config.json`, weights and a tokenizer.
  ///   - loras: what is added to its weights.
  ///   - precision: what the network computes in.
  ///   - cacheType: what keys and values are kept in; as the precision has it when nil.
  /// - Throws: an error of the room where something is wrong; each says which file, what, and the remedy.
  package init(
    _ path: String, adding loras: [LoRA] = [], precision: Precision, cacheType: KVCacheType? = nil
  ) throws {
    let files = try LanguageFiles(path, adding: loras)
    self.loras = loras
    (self.path, className, self.precision) = (files.path, files.className, precision)
    self.cacheType = cacheType ?? KVCacheType(for: precision)
    (weights, settings) = (files.weights, files.config.json)
    tokenizer =
      if let file = files.file { try TokenizerCatalogue.load(file) } else {
        try TokenizerCatalogue.loadLanguage(folder: path)
      }
    try LanguagePlan(files, precision: precision, cacheType: self.cacheType).check()
    (network, weightBytes) = try files.network(precision)
    if let file = files.file {
      let keys = ["eos", "eot", "eom"].map { "tokenizer.ggml.\($0)_token_id" }
      ends = Set(keys.compactMap { file.values[$0]?.integer })
      chatTemplate = file.values["tokenizer.chat_template"]?.string.map { ($0, file.path) }
      toolTemplate = file.values["tokenizer.chat_template.tool_use"]?.string.map { ($0, file.path) }
    } else {
      ends = try (Self.ends(path, files.config) ?? [tokenizer.endOfText])
        .union(tokenizer.endsOfTurn)
      chatTemplate = try Self.chatTemplate(path)
      toolTemplate = try Self.chatTemplate(path, named: Self.toolTemplateName)
    }
    beginning = tokenizer.beginning
    notes = tokenizer.notes + files.config.notes + files.notes
  }

  /// What ends a text, as `generation_config.json` says, or else `config.json`: an id or several.
  static func ends(_ folder: String, _ config: Config) throws -> Set<Int>? {
    let path = FileSystem.join(folder, "generation_config.json")
    let files = (FileSystem.exists(path) ? [try Config(path: path)] : []) + [config]
    for file in files {
      guard let value = file.value("eos_token_id"), value != .null else { continue }
      let ids = (value.array ?? [value]).compactMap(\.integer)
      guard !ids.isEmpty else {
        throw FormatError.wrongType(
          key: "eos_token_id", expected: "an id or a list of them", file: file.file)
      }
      return Set(ids)
    }
    return nil
  }

  /// An empty cache.
  package func makeCache(capacity: Int) throws(TensorError) -> KVCache {
    try network.makeCache(capacity: capacity, as: cacheType)
  }

  private static let toolTemplateName = "tool_use"

  /// The chat template of a folder: a file of its own goes before the tokenizer's settings, which may have several
  /// with names.
  ///
  /// - Parameters:
  ///   - folder: the model's.
  ///   - name: which of several; the standard one when nil.
  /// - Returns: the template and where it is from; nil where there is none.
  /// - Throws: `FormatError` for a file that cannot be read.
  package static func chatTemplate(_ folder: String, named name: String? = nil) throws
    -> (source: String, file: String)?
  {
    let path = FileSystem.join(
      folder, name.map { "additional_chat_templates/\($0).jinja" } ?? "chat_template.jinja")
    if FileSystem.exists(path) {
      let bytes = try FileSystem.read(path, limit: 4 << 20)
      return (String(decoding: bytes, as: UTF8.self), path)
    }
    for file in ["chat_template.json", "tokenizer_config.json"] {
      let path = FileSystem.join(folder, file)
      guard FileSystem.exists(path) else { continue }
      let value = try Config(path: path).value("chat_template")
      let all = value?.array?.compactMap(\.object) ?? []
      let named = all.first { $0["name"]?.string == (name ?? "default") }?["template"]?.string
      if let source = name == nil ? value?.string ?? named : named { return (source, path) }
    }
    return name == nil ? try formOfTokenizer(folder) : nil
  }

  /// The form that a tokenizer's own code has, in place of a template.
  private static func formOfTokenizer(_ folder: String) throws -> (source: String, file: String)? {
    let path = FileSystem.join(folder, "tokenizer_config.json")
    guard FileSystem.exists(path),
      let name = ChatTemplate.name(
        ofTokenizer: try JSON.read(path).object?["tokenizer_class"]?.string)
    else { return nil }
    return ChatTemplate.known(name).map { ($0, name) }
  }

  /// The first token that another model's vocabulary has otherwise; nil where all are the same.
  func firstDifference(from other: LanguageModel) -> Int? {
    let count = max(tokenizer.count, other.tokenizer.count)
    return (0..<count).first { tokenizer.decode([$0]) != other.tokenizer.decode([$0]) }
  }

  /// What chat templates read besides the conversation: the texts of the first and last tokens.
  var chatVariables: [(key: String, value: ChatValue)] {
    func text(_ id: Int) -> ChatValue {
      .text(String(decoding: tokenizer.decode([id]), as: UTF8.self))
    }
    return [
      ("bos_token", text(tokenizer.window.beginning)), ("eos_token", text(tokenizer.window.end)),
    ]
  }

  /// The model as it writes behind a text, and the tokens that it goes on from: those of the text, or of an
  /// encoder–decoder, whose encoder reads the text, the one that all answers begin with.
  ///
  /// - Throws: ``RequestError/longText(tokens:maximum:)``, `TensorError`.
  func reading(_ text: String) throws -> (model: LanguageModel, ids: [Int]) {
    guard let network = network as? any EncoderDecoder else { return (self, ids(of: text)) }
    let limit = network.maximumLength
    let read = tokenizer.frame.framed(tokenizer.encode(text, readsSpecial: false), limit: limit)
    guard read.cut == 0 else {
      throw RequestError.longText(tokens: read.ids.count + read.cut, maximum: limit)
    }
    var model = self
    model.network = try network.answering(read.ids.isEmpty ? [tokenizer.endOfText] : read.ids)
    model.encodedTokens = max(1, read.ids.count)
    return (model, [network.startToken])
  }

  /// The tokens of a text that people typed, in which nothing is a control token, behind those that every text
  /// begins with; where there are none, the end-of-text token stands for an empty one.
  package func ids(of text: String) -> [Int] {
    let ids = beginning + tokenizer.encode(text, readsSpecial: false)
    return ids.isEmpty ? [tokenizer.endOfText] : ids
  }
}
