import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import LanternTokenizers

/// One or more text encoders of the same prompts, which read texts of any length chunk by chunk; their
/// states stand side by side in the features of a token.
struct ChunkedTextConditioner: TextConditioner {
  /// Which states a denoiser was trained with.
  enum States {
    /// Those of the last layer, normalised (Stable Diffusion 1 and 2).
    case last
    /// Those of the layer before, as they are; with them go the pooled vector of the last encoder and
    /// the picture's size (SDXL; Podell et al. 2023, arXiv:2307.01952).
    case penultimate
  }

  private struct Encoder {
    let tokenizer: any Tokenizer
    let model: ModelPart<any TextEncoder, any Error>
    /// Features of a token's vector.
    let features: Int
    /// The first id that neither the tokenizer nor the model has.
    let firstFreeID: Int
  }

  private let encoders: [Encoder]
  private let states: States
  let features: Int
  let pooledFeatures: Int
  let layerCount: Int
  /// Whether an empty negative prompt is all zeros.
  private let zeroesEmptyNegative: Bool
  /// The model's folder, for errors.
  private let path: String

  /// Loads the parts `tokenizer` and `text_encoder`, `tokenizer_2` and `text_encoder_2` …
  ///
  /// - Parameters:
  ///   - reader: reads the folder.
  ///   - count: of the encoders.
  ///   - states: what the denoiser was trained with.
  /// - Throws: an error of the room where something is wrong.
  init(_ reader: PartReader, encoders count: Int = 1, states: States = .last) throws {
    path = reader.folder.path
    self.states = states
    var encoders: [Encoder] = []
    var features = 0
    var pooledFeatures = 0
    var layers = Int.max
    for number in 1...count {
      let suffix = number == 1 ? "" : "_\(number)"
      let tokenizer = try reader.folder.loadTokenizer("tokenizer\(suffix)")
      let model = ModelPart { () throws(any Error) in
        try reader.read(
          "text_encoder\(suffix)", stems: ["model", "pytorch_model"],
          ModelCatalogue.textEncoders, reader.precision.ofSmallParts)
      }
      let encoder = try model()
      guard tokenizer.window.length <= encoder.maximumLength else {
        throw RequestError.mismatch(
          reason: "the tokenizer makes \(tokenizer.window.length) tokens and the text encoder "
            + "takes \(encoder.maximumLength); both must come from one model", path: path)
      }
      features += encoder.features
      pooledFeatures = encoder.pooledFeatures
      layers = min(layers, encoder.layerCount)
      encoders.append(
        Encoder(
          tokenizer: tokenizer, model: model, features: encoder.features,
          firstFreeID: max(tokenizer.count, encoder.vocabularySize)))
    }
    self.encoders = encoders
    self.features = features
    switch states {
    case .last: (self.pooledFeatures, layerCount) = (0, layers)
    case .penultimate: (self.pooledFeatures, layerCount) = (pooledFeatures, layers - 1)
    }
    let key = "force_zeros_for_empty_prompt"
    let setting = reader.folder.settings[key] ?? .bool(true)
    guard let zeroes = setting.bool else {
      throw FormatError.wrongType(
        key: key, expected: "true or false", file: reader.folder.indexPath)
    }
    zeroesEmptyNegative = states == .penultimate && zeroes
  }

  var notes: [String] { encoders.flatMap(\.tokenizer.notes) }

  func withoutAddedTokens(_ prompt: String) -> String {
    encoders[0].tokenizer.withoutAddedTokens(prompt)
  }

  func words(of request: ImageRequest) throws -> EmbeddedWords {
    try EmbeddedWords(request.embeddings, features: encoders.map(\.features), path: path)
  }

  func without(_ words: EmbeddedWords, _ prompt: String) -> String {
    words.withoutWords(prompt, encoders[0].tokenizer)
  }

  func notes(on words: EmbeddedWords, _ prompts: [String]) -> [String] {
    words.notes(on: prompts, encoders[0].tokenizer)
  }

  func releaseWeights() { for encoder in encoders { encoder.model.release() } }

  /// Encodes both prompts, the shorter filled up with empty text.
  func encode(_ request: ImageRequest, size: (width: Int, height: Int)) throws -> PromptEncoding {
    let isLiteral = request.literalPrompt
    let words = try words(of: request)
    let tokenizers = encoders.map { words.tokenizer($0.tokenizer, firstID: $0.firstFreeID) }
    let pairs = tokenizers.map { tokenizer in
      (
        PromptChunks(request.prompt, literally: isLiteral, tokenizer),
        PromptChunks(request.negativePrompt, literally: isLiteral, tokenizer)
      )
    }
    let count = pairs.map { max($0.0.count, $0.1.count) }.max() ?? 1
    guard count <= PromptChunks.maximumCount else {
      throw RequestError.longPrompt(chunks: count, most: PromptChunks.maximumCount)
    }
    var positive = try encode(pairs.map(\.0), words, count, request.clipSkip)
    var negative =
      zeroesEmptyNegative && request.negativePrompt.isEmpty
      ? try positive.zeros() : try encode(pairs.map(\.1), words, count, 0)
    if states == .penultimate {
      let sides = [Float(size.height), Float(size.width)]
      (positive.sizes, negative.sizes) = (sides + [0, 0] + sides, sides + [0, 0] + sides)
    }
    let cut = pairs[0].0.cutTokens
    return PromptEncoding(
      positive: positive, negative: negative, cutTokens: cut.count,
      cutText: String(decoding: tokenizers[0].decode(cut), as: UTF8.self))
  }

  /// One prompt by all encoders.
  private func encode(
    _ prompts: [PromptChunks], _ words: EmbeddedWords, _ count: Int, _ clipSkip: Int
  ) throws -> Conditioning {
    var all: [Tensor] = []
    var pooled: Tensor?
    for (index, (encoder, prompt)) in zip(encoders, prompts).enumerated() {
      let model = try encoder.model()
      let added = try words.vectors(of: index, firstID: encoder.firstFreeID)
      var parts: [Tensor] = []
      pooled = nil
      for chunk in prompt.padded(to: count, encoder.tokenizer.window).chunks {
        let known = model.vocabularySize
        if let id = chunk.ids.first(where: { (known..<encoder.firstFreeID).contains($0) }) {
          throw RequestError.mismatch(
            reason: "the tokenizer gives the token \(id) and the text encoder knows "
              + "\(known); both must come from one model", path: path)
        }
        let isLast = states == .last
        let found = try model.encode(
          chunk.ids, adding: added, skippedLayers: clipSkip + (isLast ? 0 : 1),
          isNormalized: isLast)
        parts.append(try found.states.weighted(by: chunk.weights))
        // Of several chunks the first one's, as in webui.
        pooled = pooled ?? found.pooled
      }
      all.append(parts.count == 1 ? parts[0] : try Tensor.concatenated(parts, axis: 1))
    }
    return Conditioning(
      states: all.count == 1 ? all[0] : try Tensor.concatenated(all, axis: 2),
      pooled: states == .penultimate ? pooled : nil)
  }
}

extension Conditioning {
  /// As many zeros.
  fileprivate func zeros() throws(TensorError) -> Conditioning {
    Conditioning(
      states: try Tensor(repeating: 0, shape: states.shape),
      pooled: try pooled.map { pooled throws(TensorError) in
        try Tensor(repeating: 0, shape: pooled.shape)
      })
  }
}
