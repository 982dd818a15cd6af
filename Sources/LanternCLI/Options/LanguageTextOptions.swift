import ArgumentParser
import Lantern

/// How long a text is, and how its tokens are chosen.
struct LanguageTextOptions: SettingOptions {
  typealias Request = LanguageRequest

  @Option(LanguageSetting.maximumTokens) var maximumTokens: Int?
  @OptionGroup var chance: SeedOptions
  @Option(LanguageSetting.temperature) var temperature: Float?
  @Option(LanguageSetting.topP) var topP: Float?
  @Option(LanguageSetting.topK) var topK: Int?
  @Option(LanguageSetting.minP) var minP: Float?
  @Option(LanguageSetting.repetitionPenalty) var repetitionPenalty: Float?
  @Option(LanguageSetting.stop) var stop: [String] = []
}
