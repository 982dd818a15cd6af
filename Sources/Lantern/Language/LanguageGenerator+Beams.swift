import LanternDecoding
import LanternLayers
import LanternModels
import LanternTokenizers

extension LanguageGenerator {
  /// Beam search behind a prompt, whose keys and values all beams share.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - count: texts, of as many beams at most.
  ///   - prompt: the tokens to go on from.
  ///   - context: what was read before; afterwards it has the prompt alone.
  ///   - onEvent: called with each text when all are there, and once a token; throw to stop.
  /// - Returns: the texts, the likeliest first.
  /// - Throws: an error of the room where it arose, or what the closure throws.
  package func search(
    _ request: LanguageRequest, count: Int, behind prompt: [Int],
    in context: inout LanguageContext, onEvent: (Int, LanguageEvent) throws -> Void
  ) throws -> [LanguageResult] {
    let (writer, scores, plain) = try begin(request, prompt, &context)
    try check(request, count: count, tokens: prompt.count + writer.remaining)
    var beginning = plain
    beginning.notes += ReadAhead.notes(self, request, writer, isOneOfMany: true)
    var search = BeamSearch(
      count: request.beams, lengthPenalty: request.lengthPenalty, ends: model.ends,
      minimum: request.minimumTokens, maximum: writer.remaining)
    var (rows, isFirst) = ([scores], true)
    while search.step(rows) {
      try onEvent(0, .text(""))
      if isFirst {
        try context.cache.branch(1, capacity: writer.remaining)
        isFirst = false
      }
      try context.cache.reorder(search.running.map(\.origin))
      context.cache.select(Array(search.running.indices))
      rows = try model.scores(behind: search.running.compactMap(\.ids.last), in: &context.cache)
    }
    context.cache.forget(beyond: prompt.count)
    return try search.finished.prefix(count).enumerated().map { number, beam in
      let ids = beam.ids.filter { !model.ends.contains($0) }
      let text = String(decoding: model.tokenizer.decode(ids), as: UTF8.self)
      try onEvent(number, .text(text))
      return LanguageResult(
        text: text, promptTokens: beginning.promptTokens, tokens: ids.count,
        cachedTokens: beginning.cachedTokens, proposedTokens: 0, acceptedTokens: 0,
        score: beam.score, ending: ids.count < beam.ids.count ? .endOfText : .length,
        notes: beginning.notes)
    }
  }

  /// - Throws: ``RequestError`` for what does not go with several beams.
  private func check(_ request: LanguageRequest, count: Int, tokens: Int) throws {
    guard LanguageSettings.form(of: request) == nil, request.stop.isEmpty else {
      throw RequestError.range(
        name: "beams", found: "\(request.beams) with a form or stop strings", allowed: "1")
    }
    guard readsTogether(tokens) else {
      throw RequestError.range(
        name: "beams", found: "\(request.beams)",
        allowed:
          "1, or fewer tokens: beyond \(model.network.stableLength ?? 0) the model turns positions by how long the "
          + "text is")
    }
    guard count <= request.beams else {
      throw RequestError.range(
        name: "count", found: "\(count)", allowed: "as many as beams, \(request.beams), at most")
    }
  }
}
