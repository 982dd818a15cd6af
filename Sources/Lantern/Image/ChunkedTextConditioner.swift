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

  /// Encodes both prompts, the shorter filled up with empty text.
  func encode(_ request: ImageRequest, size: (width: Int, height: Int)) throws -> PromptEncoding {
    let isLiteral = request.literalPrompt
    let words = try words(of: request)
    let tokenizers = encoders.map { words.tokenizer($0.tokenizer, firstID: $0.firstFreeID) }
    let pairs = zip(encoders, tokenizers).map { encoder, tokenizer in
      let (prompt, negative) =
        encoder.number == 1
        ? (request.prompt, request.negativePrompt)
        : (request.prompt2 ?? request.prompt, request.negativePrompt2 ?? request.negativePrompt)
      return (
        PromptChunks(prompt, literally: isLiteral, tokenizer),
        PromptChunks(negative, literally: isLiteral, tokenizer)
      )
    }
    let count = pairs.map { max($0.0.count, $0.1.count) }.max() ?? 1
    guard count <= PromptChunks.maximumCount else {
      throw RequestError.longPrompt(chunks: count, maximum: PromptChunks.maximumCount)
    }
    var positive = try encode(pairs.map(\.0), words, count, request.clipSkip)
    var negative =
      zeroesEmptyNegative && request.negativePrompt.isEmpty
        && request.negativePrompt2?.isEmpty != false
      ? try positive.zeros() : try encode(pairs.map(\.1), words, count, 0)
    if states == .penultimate {
      positive.sizes = [sizes(request, size, isNegative: false)]
      negative.sizes = [sizes(request, size, isNegative: true)]
    }
    let cut = pairs[0].0.cutTokens
    return PromptEncoding(
      positive: positive, negative: negative, cutTokens: cut.count,
      cutText: String(decoding: tokenizers[0].decode(cut), as: UTF8.self))
  }

  /// The numbers of a row: height and width before cropping, top and left of the crop, height and width after
  /// it, or the aesthetic score. Scores, and that with them the negative prompt has no crop, are diffusers'.
  private func sizes(
    _ request: ImageRequest, _ size: (width: Int, height: Int), isNegative: Bool
  ) -> [Float] {
    let own = ImageRequest.Size(width: size.width, height: size.height)
    let (original, target) = (request.originalSize ?? own, request.targetSize ?? own)
    let whole = ImageRequest.Corner(left: 0, top: 0)
    let crop = (isNegative && takesAestheticScore ? nil : request.cropCorner) ?? whole
    let row = [original.height, original.width, crop.top, crop.left]
    guard takesAestheticScore else { return (row + [target.height, target.width]).map(Float.init) }
    return row.map(Float.init) + [isNegative ? 2.5 : 6]
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
