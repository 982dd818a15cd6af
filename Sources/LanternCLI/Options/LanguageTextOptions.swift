import ArgumentParser
import Lantern

/// How long a text is, and how its tokens are chosen.
struct LanguageTextOptions: SettingOptions {
  typealias Request = LanguageRequest

  @Option(LanguageSetting.maximumTokens) var maximumTokens: Int?
  @Option(LanguageSetting.minimumTokens) var minimumTokens: Int?
  @OptionGroup var chance: SeedOptions
  @Option(LanguageSetting.temperature) var temperature: Float?
  @Option(LanguageSetting.topP) var topP: Float?
  @Option(LanguageSetting.topK) var topK: Int?
  @Option(LanguageSetting.minP) var minP: Float?
  @Option(LanguageSetting.typicalP) var typicalP: Float?
  @Option(LanguageSetting.xtcProbability) var xtcProbability: Float?
  @Option(LanguageSetting.xtcThreshold) var xtcThreshold: Float?
  @Option(LanguageSetting.mirostat) var mirostat: Int?
  @Option(LanguageSetting.mirostatTarget) var mirostatTarget: Float?
  @Option(LanguageSetting.mirostatRate) var mirostatRate: Float?
  @OptionGroup var penalties: LanguagePenaltyOptions
  @Option(LanguageSetting.samplerOrder) var samplerOrder: String?
  @Option(LanguageSetting.logitBias) var logitBias: [String] = []
  @Option(LanguageSetting.schema) var schema: String?
  @Option(LanguageSetting.regex) var regex: String?
  @Option(LanguageSetting.choices) var choices: [String] = []
  @Option(LanguageSetting.stop) var stop: [String] = []
  @Option(LanguageSetting.logProbabilities) var logProbabilities: Int?
  @Option(LanguageSetting.promptCache) var promptCache: String?
  @Option(LanguageSetting.lookup) var lookup: Int?
  @Option(LanguageSetting.draftTokens) var draftTokens: Int?
  @Option(LanguageSetting.beams) var beams: Int?
  @Option(LanguageSetting.lengthPenalty) var lengthPenalty: Float?
  @OptionGroup var masking: LanguageMaskingOptions

  /// What a server is not given.
  var unsent: [(name: String, isGiven: Bool)] {
    [
      ("--prompt-cache", promptCache != nil), ("--log-probabilities", logProbabilities != nil),
      ("--draft-tokens", draftTokens != nil),
    ]
  }
}

/// How a model that fills in masked tokens does that.
struct LanguageMaskingOptions: SettingOptions {
  typealias Request = LanguageRequest

  @Option(LanguageSetting.steps) var steps: Int?
  @Option(LanguageSetting.blockLength) var blockLength: Int?
  @Option(LanguageSetting.remasking) var remasking: String?
  @Option(LanguageSetting.confidence) var confidence: Float?
  @Option(LanguageSetting.maskCache) var maskCache: String?
  @Option(LanguageSetting.maskGuidance) var maskGuidance: Float?
}

/// What tokens that occurred lose.
struct LanguagePenaltyOptions: SettingOptions {
  typealias Request = LanguageRequest

  @Option(LanguageSetting.repetitionPenalty) var repetitionPenalty: Float?
  @Option(LanguageSetting.frequencyPenalty) var frequencyPenalty: Float?
  @Option(LanguageSetting.presencePenalty) var presencePenalty: Float?
  @Option(LanguageSetting.repetitionWindow) var repetitionWindow: Int?
  @Option(LanguageSetting.dryMultiplier) var dryMultiplier: Float?
  @Option(LanguageSetting.dryBase) var dryBase: Float?
  @Option(LanguageSetting.dryAllowedLength) var dryAllowedLength: Int?
  @Option(LanguageSetting.dryWindow) var dryWindow: Int?
  @Option(LanguageSetting.dryBreakers) var dryBreakers: [String] = []
}
