import LanternDecoding

/// A request for text with every default decided and every number checked.
struct LanguageSettings: Sendable {
  let sampler: TextSampler

  /// Where a request and its model say nothing: as llama.cpp.
  private static let temperature: Float = 0.8, topP: Float = 0.95

  /// Fills in what the request leaves open.
  ///
  /// - Throws: ``RequestError`` for numbers out of range.
  init(_ request: LanguageRequest) throws {
    var decided = request
    decided.temperature = request.temperature ?? Self.temperature
    decided.topP = request.topP ?? Self.topP
    try LanguageSetting.check(decided, with: ())
    var sampler = TextSampler()
    sampler.temperature = decided.temperature ?? Self.temperature
    sampler.topP = decided.topP ?? Self.topP
    sampler.topK = request.topK
    sampler.minP = request.minP
    sampler.repetitionPenalty = request.repetitionPenalty
    self.sampler = sampler
  }

  /// Notes on settings without an effect: a line each.
  func notes(on request: LanguageRequest) -> [String] {
    let filters = LanguageSetting.filters.filter { $0.isChanged(request) }
    guard sampler.temperature == 0, !filters.isEmpty else { return [] }
    return [
      "\(filters.map(\.title).joined(separator: ", ")) without effect: temperature 0 takes the likeliest "
        + "token"
    ]
  }
}
