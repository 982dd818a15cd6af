import LanternDecoding
import LanternTokenizers

/// A request for text with every default decided and every number checked.
struct LanguageSettings: Sendable {
  let sampler: TextSampler
  /// What the text is held to.
  let form: TextForm?

  /// Where a request and its model say nothing: as llama.cpp.
  private static let temperature: Float = 0.8, topP: Float = 0.95

  /// Fills in what the request leaves open.
  ///
  /// - Throws: ``RequestError`` for numbers out of range.
  init(_ request: LanguageRequest, _ tokenizer: any Tokenizer) throws {
    var decided = request
    decided.temperature = request.temperature ?? Self.temperature
    decided.topP = request.topP ?? Self.topP
    try LanguageSetting.check(decided, with: ())
    if let id = request.logitBias.keys.first(where: { !(0..<tokenizer.count).contains($0) }) {
      throw RequestError.range(
        name: "logit bias of token", found: "\(id)",
        allowed: "an id from 0 to \(tokenizer.count - 1)")
    }
    var sampler = TextSampler()
    sampler.temperature = decided.temperature ?? Self.temperature
    sampler.topP = decided.topP ?? Self.topP
    (sampler.topK, sampler.minP, sampler.typicalP) = (request.topK, request.minP, request.typicalP)
    sampler.xtcProbability = request.xtcProbability
    sampler.xtcThreshold = request.xtcThreshold
    sampler.mirostat = request.mirostat
    sampler.mirostatTarget = request.mirostatTarget
    sampler.mirostatRate = request.mirostatRate
    sampler.repetitionPenalty = request.repetitionPenalty
    sampler.frequencyPenalty = request.frequencyPenalty
    sampler.presencePenalty = request.presencePenalty
    sampler.repetitionWindow = request.repetitionWindow
    sampler.dryMultiplier = request.dryMultiplier
    (sampler.dryBase, sampler.dryAllowedLength) = (request.dryBase, request.dryAllowedLength)
    sampler.dryWindow = request.dryWindow
    if request.dryMultiplier != 0 {
      sampler.dryBreakers = SequenceBreakers(request.dryBreakers, tokenizer)
    }
    sampler.logitBias = request.logitBias
    sampler.steps = SamplerStep.steps(request.samplerOrder) ?? SamplerStep.all
    self.sampler = sampler
    form = Self.form(of: request)
  }

  /// What a request holds its text to; nil for nothing.
  static func form(of request: LanguageRequest) -> TextForm? {
    request.callForm ?? request.schema.map(TextForm.schema) ?? request.regex.map(TextForm.regex)
      ?? (request.choices.isEmpty ? nil : .choices(request.choices))
  }

  /// A note on those of some settings that a request changes, without effect.
  private static func note(
    _ request: LanguageRequest, _ settings: [LanguageSetting], _ reason: String
  ) -> String? {
    let idle = settings.filter { $0.isChanged(request) }.map(\.title)
    return idle.isEmpty ? nil : "\(idle.joined(separator: ", ")) without effect: \(reason)"
  }

  /// Notes on settings without an effect on masked tokens: a line each.
  ///
  /// - Parameters:
  ///   - request: what is wanted.
  ///   - isBlocks: whether the model's blocks attend to those before them alone.
  /// - Returns: the notes.
  static func notes(masked request: LanguageRequest, isBlocks: Bool) -> [String] {
    typealias Row = LanguageSetting
    let idle =
      Row.filters + [.mirostat] + Row.mirostatNumbers + Row.penalties
      + [
        .minimumTokens, .samplerOrder, .logitBias, .logProbabilities, .promptCache, .lookup,
        .draftTokens, .lengthPenalty,
      ]
    var notes = [note(request, idle, "the model fills in masked tokens")]
    if isBlocks {
      notes.append(
        note(
          request, [.steps, .remasking, .maskCache, .maskGuidance],
          "the model fills in blocks that attend to those before them alone"))
    } else if request.confidence != nil {
      notes.append(note(request, [.steps], "so many are filled in as are sure"))
    }
    return notes.compactMap { $0 }
  }

  /// Notes on settings without an effect: a line each.
  func notes(on request: LanguageRequest) -> [String] {
    func note(_ settings: [LanguageSetting], _ reason: String) -> String? {
      Self.note(request, settings, reason)
    }
    typealias Row = LanguageSetting
    let masking = note(Row.masking, "the model writes token by token")
    if request.beams > 1 {
      let idle =
        [.temperature] + Row.filters + [.mirostat] + Row.mirostatNumbers + Row.penalties
        + [.samplerOrder, .logitBias, .logProbabilities]
      return [masking, note(idle, "beam search takes the likeliest texts")].compactMap { $0 }
    }
    var notes: [String?] = [masking, note([.lengthPenalty], "there is one beam")]
    if sampler.temperature == 0 {
      notes.append(
        note(
          Row.filters + [.mirostat] + Row.mirostatNumbers,
          "temperature 0 takes the likeliest token"))
    } else if sampler.mirostat > 0 {
      notes.append(
        note(Row.filters + Row.penalties + [.samplerOrder], "mirostat stands in their place"))
      return notes.compactMap { $0 }
    } else {
      notes.append(note(Row.mirostatNumbers, "mirostat is not chosen"))
      if sampler.xtcProbability == 0 {
        notes.append(note([.xtcThreshold], "the XTC probability is 0"))
      }
    }
    if !Row.countedPenalties.contains(where: { $0.isChanged(request) }) {
      notes.append(note([.repetitionWindow], "there is no penalty that counts tokens"))
    } else if sampler.repetitionWindow == 0 {
      notes.append(note(Row.countedPenalties, "they count no tokens"))
    }
    if sampler.dryMultiplier == 0 {
      notes.append(note(Row.dryNumbers, "the DRY multiplier is 0"))
    } else if sampler.dryWindow == 0 {
      notes.append(note([.dryMultiplier], "it counts no tokens"))
    }
    let missing = SamplerStep.all.filter { step in
      step.isActive(sampler) && !sampler.steps.contains(step)
        && !(sampler.temperature == 0 && step.isFilter)
    }
    notes += missing.map { "\($0.name) without effect: it is not in the sampler order" }
    return notes.compactMap { $0 }
  }
}
