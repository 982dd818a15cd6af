import LanternModels
import LanternTokenizers

/// A conditioner whose text encoders read a prompt as a whole, without weights of its words and without embeddings of
/// textual inversion.
protocol WholeTextConditioner: TextConditioner {
  /// The model's path, for errors.
  var path: String { get }

  /// What a denoiser is given of a text.
  ///
  /// - Throws: what reading a text encoder throws, ``TensorError`` when memory runs out.
  func conditioning(of texts: PromptTexts.Texts) throws -> Conditioning

  /// What a denoiser is given of a negative prompt, for models that read it in another way; see
  /// ``conditioning(of:)``.
  func conditioning(of texts: PromptTexts.Texts, isNegative: Bool) throws -> Conditioning

  /// The tokens of a text that do not fit, and their words.
  ///
  /// - Throws: what a chat template throws.
  func cut(of texts: PromptTexts.Texts) throws -> (count: Int, text: String)
}

extension WholeTextConditioner {
  var sizeCount: Int { 0 }
  var layerCount: Int { 1 }

  func conditioning(of texts: PromptTexts.Texts, isNegative: Bool) throws -> Conditioning {
    try conditioning(of: texts)
  }

  func words(of request: ImageRequest) throws -> EmbeddedWords {
    if let embedding = request.embeddings.first {
      throw RequestError.mismatch(
        reason: "this model's text encoder takes no embeddings of textual inversion",
        path: embedding.path)
    }
    return try EmbeddedWords([], features: [], encoders: [], path: path)
  }

  func without(_ words: EmbeddedWords, _ prompt: String) -> String { prompt }

  func notes(on words: EmbeddedWords, _ prompts: [String]) -> [String] {
    let isWeighted = prompts.contains { prompt in
      WeightedPrompt(parsing: prompt).pieces.contains {
        if case .text(_, let weight) = $0 { weight != 1 } else { false }
      }
    }
    return isWeighted
      ? [
        "weights in a prompt, as (fox:1.2), are read as words: this model's text encoder takes "
          + "none"
      ] : []
  }

  func encode(
    _ request: ImageRequest, size: (width: Int, height: Int), steps: PromptSchedule.Steps,
    isGuided: Bool
  ) throws -> PromptEncoding {
    try encode(request, steps: steps, isGuided: isGuided, from: nil)
  }

  /// As ``encode(_:size:steps:isGuided:)``, with what a cache has.
  func encode(
    _ request: ImageRequest, steps: PromptSchedule.Steps, isGuided: Bool,
    from cache: PromptStateCache?
  ) throws -> PromptEncoding {
    var encoded: [Bool: [PromptTexts.Texts: Conditioning]] = [:]
    func encode(_ texts: PromptTexts, isNegative: Bool = false) throws -> ConditioningSchedule {
      try texts.encoded { texts in
        if let found = encoded[isNegative]?[texts] { return found }
        func make() throws -> Conditioning {
          try conditioning(of: texts, isNegative: isNegative)
        }
        let found =
          try cache?.conditioning(of: texts, isNegative: isNegative, make: make) ?? make()
        encoded[isNegative, default: [:]][texts] = found
        return found
      }
    }
    let positive = PromptTexts.positive(request, over: steps)
    let parts = try positive.map { (schedule: try encode($0.texts), weight: $0.weight) }
    let isComposed = parts.count > 1 || parts.contains { $0.weight != 1 }
    // A large text encoder takes long to read: nothing is read that nobody asks for.
    let negative =
      isGuided || isComposed
      ? try encode(PromptTexts.negative(request, over: steps), isNegative: true) : parts[0].schedule
    let cut = try positive.first.map { try self.cut(of: $0.texts.entries[0].texts) }
    return PromptEncoding(
      parts: parts, negative: negative, cutTokens: cut?.count ?? 0, cutText: cut?.text ?? "")
  }
}
