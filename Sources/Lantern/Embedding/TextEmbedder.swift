import LanternFormats
import LanternLayers
import LanternModels
public import LanternTensor

/// Vectors of texts: the states that a network has for a text's tokens, pooled into one, as sentence-transformers (6) and
/// llama.cpp make them.
public struct TextEmbedder: Sendable {
  /// How it pools; what several make of a text stands side by side.
  public let pooling: [Pooling]
  /// What was read otherwise than the files may lead to expect: a line each.
  public let notes: [String]
  /// Tokens of a text that are read at most, with those that begin and end it.
  public let maximumLength: Int
  /// Features of a vector.
  public let features: Int
  private let network: EmbeddingNetwork
  private let recipe: EmbeddingFiles
  private let steps: [EmbeddingStep]

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - path: a GGUF file of a language model, a folder of an encoder or a language model as transformers or
  ///     sentence-transformers lays it out, or a table of tokens' vectors as model2vec or WordLlama does.
  ///   - pooling: how it pools; as the model's files say when nil, or else the mean.
  ///   - precision: how exactly it computes.
  ///   - cacheType: of a language model, what keys and values of tokens are kept in; f16 when nil, or f32 in
  ///     `Precision.exact`.
  /// - Throws: an error that names the file, what is wrong with it, and the remedy.
  public init(
    path: String, pooling: Pooling? = nil, precision: Precision = .default,
    cacheType: KVCacheType? = nil
  ) throws {
    recipe = try EmbeddingFiles(path)
    network = try EmbeddingNetwork(recipe.network, precision: precision, cacheType: cacheType)
    let said = recipe.pooling ?? (network.firstStateIsVector ? [.cls] : nil)
    self.pooling = pooling.map { [$0] } ?? said ?? [.mean]
    // Where a tokenizer says how long texts may be, that is not said of tables.
    maximumLength =
      network.isTable
      ? network.maximumLength : min(recipe.maximumLength ?? .max, network.maximumLength)
    var notes = recipe.notes + network.notes
    if let pooling, let said, said != [pooling] {
      let names = said.map(\.rawValue).joined(separator: " and ")
      notes.append(
        "pooling \(pooling.rawValue), where the model's files say \(names): distances are others")
    }
    steps = try recipe.modules.map { try EmbeddingStep($0, precision, &notes) }
    self.notes = notes
    features = try EmbeddingStep.features(
      behind: steps, of: network.features * self.pooling.count, path)
  }

  /// Whether a folder has an encoder, by the class that its settings name.
  package static func isEncoder(_ path: String) -> Bool {
    let name = try? LanguageFiles.config(folder: path).className
    return name.map { ModelCatalogue.encoders[$0] != nil } ?? false
  }

  /// Whether it was trained on passages behind the titles of their documents, and on vectors as long as they are, as DPR.
  package var readsTitles: Bool { network.firstStateIsVector }

  /// Texts that may be put in front of those that are read, as `query: `, by their names.
  public var prompts: [String: String] { recipe.prompts }
  /// The name of the prompt that is put there when none is named.
  public var defaultPrompt: String? { recipe.defaultPrompt }

  /// The vectors of texts.
  ///
  /// Texts are read together, those of about one length at a time; what comes of one does not depend on the others.
  ///
  /// - Parameters:
  ///   - texts: what is read, between the tokens that the model begins and ends texts with. One that is too long is cut.
  ///   - prompt: the name of one of ``prompts``; the default one when nil, none where the name is empty.
  ///   - isNormalized: whether vectors are scaled to length 1, so that a product of two is the cosine between them; as the
  ///     model is made for when nil, which is so for all but DPR.
  /// - Returns: a vector for each text.
  /// - Throws: ``RequestError`` for an unknown prompt, or a vector that is not finite; `TensorError`.
  public func vectors(of texts: [String], prompt: String? = nil, isNormalized: Bool? = nil) throws
    -> [TextVector]
  {
    try vectors(texts.map { ($0, nil) }, prompt, isNormalized)
  }

  /// The vectors of pairs of texts that are read as one, as DPR's title and passage.
  ///
  /// - Parameters:
  ///   - pairs: what is read; of a pair that is too long the longer text is cut.
  ///   - prompt: as of ``vectors(of:prompt:isNormalized:)``.
  ///   - isNormalized: as there.
  /// - Returns: a vector for each pair.
  /// - Throws: as there.
  public func vectors(
    ofPairs pairs: [(String, String)], prompt: String? = nil, isNormalized: Bool? = nil
  ) throws -> [TextVector] {
    try vectors(pairs.map { ($0.0, $0.1) }, prompt, isNormalized)
  }

  /// The vector of a text.
  ///
  /// - Parameters: as of ``vectors(of:prompt:isNormalized:)``.
  /// - Returns: the vector.
  /// - Throws: as there.
  public func vector(of text: String, prompt: String? = nil, isNormalized: Bool? = nil) throws
    -> [Float]
  {
    try vectors(of: [text], prompt: prompt, isNormalized: isNormalized).first?.values ?? []
  }

  /// The cosine of the angle between two vectors; 0 where one is of length 0.
  public static func cosine(_ a: [Float], _ b: [Float]) -> Double {
    let length = (product(a, a) * product(b, b)).squareRoot()
    return length == 0 ? 0 : product(a, b) / length
  }

  /// The inner product of two vectors.
  public static func product(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  // MARK: From texts to vectors

  private func vectors(_ texts: [(String, String?)], _ prompt: String?, _ isNormalized: Bool?)
    throws -> [TextVector]
  {
    let prefix = try recipe.text(ofPrompt: prompt)
    let read = texts.map { first, second in
      network.framed(
        recipe.plain(prefix + first), second.map(recipe.plain), limit: maximumLength)
    }
    let skipped = recipe.poolsPrompts ? 0 : network.tokens(before: recipe.plain(prefix))
    var vectors = [TextVector?](repeating: nil, count: read.count)
    for batch in EmbeddingNetwork.batches(read.map(\.ids.count)) {
      let states = try network.states(of: batch.map { read[$0] })
      let pooled = states.map { states in
        pooling.flatMap { $0.pooled(states, from: max(0, min(skipped, states.count - 1))) }
      }
      let rows = try finished(pooled, isNormalized ?? !network.firstStateIsVector)
      for (index, row) in zip(batch, rows) {
        vectors[index] = TextVector(
          values: row, tokens: read[index].ids.count, cut: read[index].cut)
      }
    }
    return vectors.compactMap(\.self)
  }

  /// Pooled states behind the model's further steps.
  private func finished(_ pooled: [[Float]], _ isNormalized: Bool) throws -> [[Float]] {
    var rows = pooled
    for (index, step) in steps.enumerated() {
      // A model's own last step is left out where vectors stay as long as they are.
      if step.isNormalization, index == steps.count - 1 { continue }
      rows = try step(rows)
    }
    if isNormalized { rows = rows.map(EmbeddingStep.normalized) }
    guard rows.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw RequestError.notFinite(what: "the text's vector", step: nil)
    }
    return rows
  }
}

/// A text's vector.
public struct TextVector: Sendable {
  /// The vector.
  public let values: [Float]
  /// Tokens that were read.
  public let tokens: Int
  /// Tokens of the text that were not, since it is too long.
  public let cut: Int
}
