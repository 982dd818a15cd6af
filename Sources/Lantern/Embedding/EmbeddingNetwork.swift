import LanternFormats
import LanternLayers
import LanternModels
import LanternPlatform
import LanternTensor
import LanternTokenizers

/// The network of an embedder, with its tokenizer: an encoder, a language model, or a table of tokens' vectors.
struct EmbeddingNetwork: Sendable {
  private let kind: Kind
  private let tokenizer: any LanguageTokenizer
  /// What was read otherwise than the files may lead to expect: a line each.
  let notes: [String]

  private enum Kind: Sendable {
    case encoder(any BidirectionalEncoder)
    case decoder(LanguageModel)
    case table(StaticTable)
  }

  /// Loads the network.
  ///
  /// - Parameters:
  ///   - path: a GGUF file, or a folder.
  ///   - precision: what it computes in.
  ///   - cacheType: what keys and values of a language model are kept in.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  init(_ path: String, precision: Precision, cacheType: KVCacheType?) throws {
    if let table = try StaticTable(path) {
      (kind, tokenizer, notes) = (.table(table), table.tokenizer, table.notes)
      return
    }
    let files = try LanguageFiles(path)
    guard let make = ModelCatalogue.encoders[files.className] else {
      let model = try LanguageModel(path, precision: precision, cacheType: cacheType)
      try model.checkCausal("a vector of a text")
      (kind, tokenizer, notes) = (.decoder(model), model.tokenizer, model.notes)
      return
    }
    tokenizer =
      if let file = files.file { try Self.tokenizer(file) } else {
        try TokenizerCatalogue.loadLanguage(folder: path)
      }
    let encoder = try make(files.config, Weights(files.weights, precision: precision))
    kind = .encoder(encoder)
    notes = tokenizer.notes + files.config.notes + files.weights.notes
    guard tokenizer.count <= encoder.vocabularySize else {
      throw RequestError.mismatch(
        reason:
          "the tokenizer has \(tokenizer.count) tokens, and the model \(encoder.vocabularySize)",
        path: path)
    }
  }

  /// The tokenizer of an encoder's file, of a kind whose frame of texts the file says.
  private static func tokenizer(_ file: GGUFFile) throws -> any LanguageTokenizer {
    let key = "tokenizer.ggml.model"
    if let name = file.values[key]?.string, !["bert", "llama"].contains(name) {
      throw FormatError.unsupportedSetting(
        key: key, value: "\(JSON.quoted(name)) of an encoder", file: file.path)
    }
    return try TokenizerCatalogue.load(file)
  }

  /// Features of a state.
  var features: Int {
    switch kind {
    case .encoder(let encoder): encoder.features
    case .decoder(let model): model.network.features
    case .table(let table): table.embedding.features
    }
  }

  /// Tokens of a text at most.
  var maximumLength: Int {
    switch kind {
    case .encoder(let encoder): encoder.maximumLength
    case .decoder(let model): model.network.maximumLength
    case .table(let table): table.maximumLength
    }
  }

  /// Whether it is a table of tokens' vectors.
  var isTable: Bool { if case .table = kind { true } else { false } }

  /// Whether the first token's state, as long as it is, is the text's vector.
  var firstStateIsVector: Bool {
    if case .encoder(let encoder) = kind { encoder.firstStateIsVector } else { false }
  }

  /// The tokens of a text, or of a pair, within those that the model begins and ends texts with; one at least. What people
  /// typed is no special token.
  func framed(_ text: String, _ second: String?, limit: Int) -> FramedText {
    if case .table(let table) = kind {
      return table.framed(second.map { "\(text) \($0)" } ?? text, limit: limit)
    }
    let framed = tokenizer.frame.framed(
      tokenizer.encode(text, readsSpecial: false),
      second.map { tokenizer.encode($0, readsSpecial: false) }, limit: limit)
    guard framed.ids.isEmpty else { return framed }
    return FramedText(ids: [tokenizer.endOfText], segments: [0], cut: framed.cut)
  }

  /// Tokens before a text that stands behind a prompt.
  func tokens(before prompt: String) -> Int {
    if case .table(let table) = kind { return table.framed(prompt, limit: .max).ids.count }
    let frame = tokenizer.frame
    return prompt.isEmpty
      ? 0 : frame.beginning + tokenizer.encode(prompt, readsSpecial: false).count
  }

  /// The states of texts' tokens.
  ///
  /// - Throws: ``TensorError`` for no memory.
  func states(of texts: [FramedText]) throws -> [TextStates] {
    let features = features
    switch kind {
    case .decoder(let model):
      return try texts.map { text in
        var cache = try model.makeCache(capacity: text.ids.count)
        let states = try model.network.read(text.ids, into: &cache)
        return TextStates(values: try states.floats()[...], features: features)
      }
    case .table(let table):
      return try texts.map { text in
        TextStates(values: try table.embedding.vectors(of: text.ids)[...], features: features)
      }
    case .encoder(let encoder):
      let batch = TokenBatch(texts.map(\.ids), segments: texts.map(\.segments))
      let values = try encoder.states(of: batch).floats()
      return batch.texts.ranges.map {
        TextStates(
          values: values[$0.lowerBound * features..<$0.upperBound * features], features: features)
      }
    }
  }

  /// Tokens that are read together, of several texts.
  private static let batchLength = 4096

  /// Which texts are read together: neighbours in length, the longest first.
  static func batches(_ lengths: [Int]) -> [[Int]] {
    var batches: [[Int]] = []
    var tokens = 0
    for index in lengths.indices.sorted(by: { lengths[$0] > lengths[$1] }) {
      if batches.isEmpty || tokens + lengths[index] > batchLength {
        batches.append([])
        tokens = 0
      }
      batches[batches.count - 1].append(index)
      tokens += lengths[index]
    }
    return batches
  }
}
