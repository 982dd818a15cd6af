import LanternDecoding

/// A story's request with every default decided and every number checked.
package struct StorySettings: Sendable {
  package let pages: Int
  let text: TextSampler
  package let decoder: MaskedImageDecoder

  /// Fills in what the request leaves open.
  ///
  /// - Throws: ``RequestError`` for numbers out of range.
  init(_ request: StoryRequest, _ model: UnifiedModel) throws {
    let defaults = model.defaults
    pages = request.pages ?? defaults.pages
    decoder = MaskedImageDecoder(
      steps: request.imageSteps ?? defaults.imageSteps,
      guidance: request.guidance ?? defaults.guidance, schedule: request.schedule)
    var text = TextSampler()
    text.temperature = request.temperature ?? defaults.temperature
    text.topP = request.topP ?? defaults.topP
    text.topK = request.topK
    text.minP = request.minP
    text.repetitionPenalty = request.repetitionPenalty
    self.text = text
    try StorySetting.check(decided(request), with: ())
  }

  /// The request that these settings came from, with every default decided.
  private func decided(_ request: StoryRequest) -> StoryRequest {
    var decided = request
    decided.pages = pages
    (decided.imageSteps, decided.guidance) = (decoder.steps, decoder.guidance)
    (decided.temperature, decided.topP) = (text.temperature, text.topP)
    return decided
  }

  /// Notes on settings without an effect: a line each.
  func notes(on request: StoryRequest) -> [String] {
    var notes: [String] = []
    let filters = StorySetting.filters.filter { $0.isChanged(request) }
    if text.temperature == 0, !filters.isEmpty {
      notes.append(
        "\(filters.map(\.title).joined(separator: ", ")) without effect: temperature 0 takes the "
          + "likeliest word")
    }
    if decoder.steps == 1, request.schedule != .cosine {
      notes.append("the schedule has no effect: in one step all codes are settled at once")
    }
    let idle = StorySetting.telling.filter { $0.isChanged(request) }
    if !idle.isEmpty {
      notes.append(
        "\(idle.map(\.title).joined(separator: ", ")) without effect: the transformer tells a story by its prompt "
          + "alone; a writer heeds them")
    }
    guard !request.beginning.isEmpty, request.beginning.count == pages else { return notes }
    if StorySetting.writing.contains(where: { $0.isChanged(request) }) {
      notes.append("nothing is left to write: the words of all pages are given")
    }
    if request.beginning.allSatisfy({ $0.picture != nil }) {
      notes.append("nothing is left to draw: the pictures of all pages are given")
    }
    return notes
  }
}
