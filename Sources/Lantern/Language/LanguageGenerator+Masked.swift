import LanternDecoding
import LanternModels
import LanternTensor

extension LanguageModel {
  /// Refuses a model that fills in masked tokens.
  ///
  /// - Parameter use: what needs one that writes token by token.
  /// - Throws: ``RequestError/mismatch(reason:path:)``.
  package func checkCausal(_ use: String) throws {
    guard network is any MaskedLanguageModel else { return }
    throw RequestError.mismatch(
      reason:
        "\(use) needs a model that writes token by token, and this one fills in masked tokens",
      path: path)
  }
}

extension LanguageGenerator {
  /// Fills in masked tokens behind a prompt, and gives the text of each block when it is whole.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - prompt: the tokens before.
  ///   - network: the model's.
  ///   - onEvent: called with more of the text, and at least once a step; throw to stop.
  /// - Returns: the text, and why it ends.
  /// - Throws: an error of the room where it arose, or what the closure throws.
  func fill(
    _ request: LanguageRequest, behind prompt: [Int], with network: any MaskedLanguageModel,
    onEvent: (LanguageEvent) throws -> Void
  ) throws -> LanguageResult {
    if LanguageSettings.form(of: request) != nil {
      throw RequestError.mismatch(
        reason:
          "a schema, a regex and choices hold a text that is written token by token, and this "
          + "model fills in masked tokens: leave them out", path: path)
    }
    var (writer, _) = try self.writer(of: request, behind: prompt)
    let count = writer.remaining
    try checkMemory(ofTokens: prompt.count + count)
    var decoder = self.decoder(request, network, count: count)
    let beginning = Beginning(
      promptTokens: prompt.count, cachedTokens: 0,
      notes: LanguageSettings.notes(masked: request, isBlocks: network.causalBlock != nil))
    func take(_ ids: [Int]) throws -> Bool {
      for id in ids where writer.ending == nil { try writer.take(chosen: id, onEvent) }
      return writer.ending == nil
    }
    if let size = network.causalBlock {
      try fillBlocks(
        request, behind: prompt, count: count, size, network, onStep: { try onEvent(.text("")) },
        onBlock: take)
      return beginning.result(of: writer)
    }
    let kind = request.maskCache.flatMap(MaskedTextCache.Kind.init)
    let capacity = kind == nil ? 1 : prompt.count + count
    var cache = MaskedTextCache(kind, try model.makeCache(capacity: capacity))
    var otherCache = MaskedTextCache(kind, try model.makeCache(capacity: capacity))
    decoder.beginsWithFirst = kind != nil && network.isShifted
    let guidance = request.maskGuidance
    let without = prompt.map { _ in network.maskToken }
    try decoder.fill(
      behind: prompt, count: count, mask: network.maskToken, noise: TokenNoise(seed: request.seed),
      scores: { ids, positions in
        try onEvent(.text(""))
        let scores = try cache.scores(network, ids, of: positions)
        guard scores.isFiniteEverywhere else {
          throw RequestError.notFinite(what: "a token's score", step: positions.lowerBound)
        }
        guard guidance > 0 else { return scores }
        let other = try otherCache.scores(
          network, without + ids[prompt.count...], of: positions)
        return try other + (scores - other).scaled(by: 1 + guidance)
      },
      onBlock: take)
    return beginning.result(of: writer)
  }

  /// Fills in blocks that attend to those before them alone.
  private func fillBlocks(
    _ request: LanguageRequest, behind prompt: [Int], count: Int, _ size: Int,
    _ network: any MaskedLanguageModel, onStep: () throws -> Void,
    onBlock: ([Int]) throws -> Bool
  ) throws {
    let decoder = MaskedTextDecoder(
      steps: 1, blockLength: request.blockLength ?? 8,
      temperature: Double(request.temperature ?? 0),
      threshold: request.confidence.map(Double.init) ?? 0.9)
    var cache = try model.makeCache(capacity: prompt.count + count + size)
    try decoder.fillBlocks(
      behind: prompt, count: count, size: size, mask: network.maskToken,
      noise: TokenNoise(seed: request.seed),
      read: { ids, isKept in
        try onStep()
        let states = try network.read(ids, into: &cache, mask: .none, keeping: isKept)
        let logits = try network.logits(states)
        guard logits.isFiniteEverywhere else {
          throw RequestError.notFinite(what: "a token's score", step: cache.count)
        }
        return try logits.reshaped([ids.count, logits.elementCount / ids.count])
      }, onBlock: onBlock)
  }

  /// Whether another seed may give another text.
  func isDrawn(_ request: LanguageRequest, _ network: any MaskedLanguageModel) -> Bool {
    let decoder = decoder(request, network, count: 1)
    let isRandom = decoder.order == .random && network.causalBlock == nil
    return decoder.temperature != 0 || isRandom
  }

  /// How tokens are filled in: where a request says nothing, as the models' own code does.
  private func decoder(
    _ request: LanguageRequest, _ network: any MaskedLanguageModel, count: Int
  ) -> MaskedTextDecoder {
    MaskedTextDecoder(
      steps: request.steps ?? count, blockLength: request.blockLength ?? count,
      order: request.remasking.flatMap(MaskedTextDecoder.Order.init)
        ?? (network.isShifted ? .random : .confidence),
      pace: network.isShifted ? .linear(end: 1e-3) : .even,
      temperature: Double(request.temperature ?? 0), threshold: request.confidence.map(Double.init))
  }
}
