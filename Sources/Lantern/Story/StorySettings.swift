import LanternDecoding

/// A story's request with every default decided and every number checked.
package struct StorySettings: Sendable {
  package let pages: Int
  let text: TextSampler
  package let decoder: MaskedImageDecoder

  /// Fills in what the request leaves open.
  ///
  /// - Throws: ``RequestError`` for numbers out of range.
  init(_ request: StoryRequest, _ model: UnifiedModel) throws(RequestError) {
    let defaults = model.defaults
    pages = request.pages ?? defaults.pages
    let steps = request.imageSteps ?? defaults.imageSteps
    let guidance = request.guidance ?? defaults.guidance
    var text = TextSampler()
    text.temperature = request.temperature ?? defaults.temperature
    text.topP = request.topP ?? defaults.topP
    text.topK = request.topK
    text.minP = request.minP
    text.repetitionPenalty = request.repetitionPenalty
    self.text = text
    decoder = MaskedImageDecoder(steps: steps, guidance: guidance, schedule: request.schedule)
    func check(_ isFine: Bool, _ name: String, _ found: some Any, _ allowed: String)
      throws(RequestError)
    {
      guard isFine else { throw .range(name: name, found: "\(found)", allowed: allowed) }
    }
    try check((1...64).contains(pages), "pages", pages, "1 to 64")
    try check(
      request.beginning.count <= pages, "pages", pages, "at least as many as the story begins with")
    try check((1...1000).contains(steps), "image steps", steps, "1 to 1000")
    try check((0...100).contains(guidance), "guidance", guidance, "0 to 100")
    try check((0...100).contains(text.temperature), "temperature", text.temperature, "0 to 100")
    try check(text.topP > 0 && text.topP <= 1, "top-p", text.topP, "more than 0, to 1")
    try check(text.topK >= 0, "top-k", text.topK, "0 or more")
    try check((0..<1).contains(text.minP), "min-p", text.minP, "0 to less than 1")
    try check(
      text.repetitionPenalty > 0 && text.repetitionPenalty.isFinite, "repetition penalty",
      text.repetitionPenalty, "more than 0")
  }

  /// What of a request has no effect: a line each.
  func notes(on request: StoryRequest) -> [String] {
    var notes: [String] = []
    let freedom = [
      request.topP == nil ? nil : "top-p", request.topK == 0 ? nil : "top-k",
      request.minP == 0 ? nil : "min-p",
    ].compactMap { $0 }
    if text.temperature == 0, !freedom.isEmpty {
      notes.append(
        "\(freedom.joined(separator: ", ")) without effect: temperature 0 takes the likeliest word")
    }
    if decoder.steps == 1, request.schedule != .cosine {
      notes.append("the schedule has no effect: in one step all codes are settled at once")
    }
    guard !request.beginning.isEmpty, request.beginning.count == pages else { return notes }
    if !freedom.isEmpty || request.temperature != nil || request.repetitionPenalty != 1 {
      notes.append("nothing is left to write: the words of all pages are given")
    }
    if request.beginning.allSatisfy({ $0.picture != nil }) {
      notes.append("nothing is left to draw: the pictures of all pages are given")
    }
    return notes
  }
}
