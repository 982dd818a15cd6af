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

  struct Encoder {
    /// From 1, as its folder is numbered.
    let number: Int
    let tokenizer: any Tokenizer
    let model: ModelPart<any TextEncoder, any Error>
    /// Features of a token's vector.
    let features: Int
    /// The first id that neither the tokenizer nor the model has.
    let firstFreeID: Int
  }

  let encoders: [Encoder]
  let states: States
  let features: Int
  let pooledFeatures: Int
  let layerCount: Int
  /// Whether the denoiser takes how beautiful a picture is instead of its size after cropping: SDXL's
  /// refiner.
  let takesAestheticScore: Bool
  var sizeCount: Int { states == .last ? 0 : takesAestheticScore ? 5 : 6 }
  var readsSecondPrompt: Bool { encoders.contains { $0.number > 1 } }
  /// Whether an empty negative prompt is all zeros.
  let zeroesEmptyNegative: Bool
  /// The model's path, for errors.
  let path: String

  var notes: [String] { encoders.flatMap(\.tokenizer.notes) }

  func withoutAddedTokens(_ prompt: String) -> String {
    encoders[0].tokenizer.withoutAddedTokens(prompt)
  }

  func words(of request: ImageRequest) throws -> EmbeddedWords {
    try EmbeddedWords(
      request.embeddings, features: encoders.map(\.features), encoders: encoders.map(\.number),
      path: path)
  }

  func without(_ words: EmbeddedWords, _ prompt: String) -> String {
    words.withoutWords(prompt, encoders[0].tokenizer)
  }

  func notes(on words: EmbeddedWords, _ prompts: [String]) -> [String] {
    words.notes(on: prompts, encoders[0].tokenizer)
  }

  func releaseWeights() { for encoder in encoders { encoder.model.release() } }

  /// Encodes all texts of both prompts, each once, the shorter ones filled up with empty text.
  func encode(
    _ request: ImageRequest, size: (width: Int, height: Int), steps: PromptSchedule.Steps,
    isGuided: Bool
  ) throws -> PromptEncoding {
    let words = try words(of: request)
    let positive = PromptTexts.positive(request, over: steps)
    let negative = PromptTexts.negative(request, over: steps)
    let chunks = try chunks(
      of: positive.map(\.texts) + [negative], literally: request.literalPrompt, words)
    let count = chunks.values.joined().map(\.count).max() ?? 1
    var encoded: [PromptTexts.Texts: Conditioning] = [:]
    func encode(_ texts: PromptTexts, _ clipSkip: Int, _ sizes: [Float]) throws
      -> ConditioningSchedule
    {
      try texts.encoded { texts in
        if let found = encoded[texts] { return found }
        var found = try self.encode(chunks[texts] ?? [], words, count, clipSkip)
        if states == .penultimate { found.sizes = [sizes] }
        encoded[texts] = found
        return found
      }
    }
    let sizes = [false, true].map {
      request.sizeRow(of: size, withScore: takesAestheticScore, isNegative: $0)
    }
    let parts = try positive.map { (try encode($0.texts, request.clipSkip, sizes[0]), $0.weight) }
    // Layers may be left out of the prompt alone.
    encoded = [:]
    let isZero =
      zeroesEmptyNegative && request.negativePrompt.isEmpty
      && request.negativePrompt2?.isEmpty != false
    let other =
      isZero
      ? try negative.encoded { _ in
        var zeros = try parts[0].0.conditionings[0].zeros()
        zeros.sizes = [sizes[1]]
        return zeros
      } : try encode(negative, 0, sizes[1])
    let cut = positive.first.flatMap { chunks[$0.texts.entries[0].texts]?.first?.cutTokens } ?? []
    let tokenizer = words.tokenizer(encoders[0].tokenizer, firstID: encoders[0].firstFreeID)
    return PromptEncoding(
      parts: parts, negative: other, cutTokens: cut.count,
      cutText: String(decoding: tokenizer.decode(cut), as: UTF8.self))
  }

  /// The chunks of each text, for each text encoder.
  private func chunks(
    of all: [PromptTexts], literally isLiteral: Bool, _ words: EmbeddedWords
  ) throws -> [PromptTexts.Texts: [PromptChunks]] {
    let tokenizers = encoders.map { words.tokenizer($0.tokenizer, firstID: $0.firstFreeID) }
    var chunks: [PromptTexts.Texts: [PromptChunks]] = [:]
    var total = 0
    for (_, texts) in all.flatMap(\.entries) where chunks[texts] == nil {
      let found = zip(encoders, tokenizers).map { encoder, tokenizer in
        PromptChunks(
          encoder.number == 1 ? texts.first : texts.second, literally: isLiteral, tokenizer)
      }
      chunks[texts] = found
      let count = found.map(\.count).max() ?? 1
      total += count
      for (count, maximum) in [
        (count, PromptChunks.maximumCount), (total, PromptChunks.maximumTotal),
      ] where count > maximum {
        throw RequestError.longPrompt(chunks: count, maximum: maximum)
      }
    }
    return chunks
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
