/// A setting of a text.
package typealias LanguageSetting = Setting<LanguageRequest>

// The table of a text's settings; what is made of it, and how a row is added, stands in
// ImageSetting+Table.swift. What the request leaves open is decided in LanguageSettings.swift.
extension LanguageRequest: Configurable {
  package static let settings =
    [LanguageSetting.prompt, .maximumTokens, .seed, .temperature] + LanguageSetting.filters
    + [LanguageSetting.repetitionPenalty, .stop]
  package static var `default`: LanguageRequest { LanguageRequest(prompt: "") }
}

extension LanguageSetting {
  /// What leaves out tokens that are not likely.
  static var filters: [LanguageSetting] { [topP, topK, minP] }

  package static var prompt: LanguageSetting { LanguageSetting("prompt", \.prompt, .prompt) }

  package static var maximumTokens: LanguageSetting {
    LanguageSetting(
      "maximumTokens", \.maximumTokens, .size, range: "1 to 1000000",
      isAllowed: { (1...1_000_000).contains($0) },
      option: SettingOption(
        "max-tokens", short: "n", .value("count"), "Maximum number of tokens to write.",
        default: "256"))
  }

  package static var seed: LanguageSetting { seed(\.seed) }
  package static var temperature: LanguageSetting { temperature(\.temperature, default: "0.8") }
  package static var topP: LanguageSetting { topP(\.topP, default: "0.95") }
  package static var topK: LanguageSetting { topK(\.topK) }
  package static var minP: LanguageSetting { minP(\.minP) }
  package static var repetitionPenalty: LanguageSetting { repetitionPenalty(\.repetitionPenalty) }

  package static var stop: LanguageSetting {
    LanguageSetting(
      "stop", \.stop, .words,
      option: SettingOption(
        "stop", .values("text"), "Ends the text before this string; may be given several times.",
        default: "none"))
  }
}
