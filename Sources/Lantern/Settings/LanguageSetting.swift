/// A setting of a text.
package typealias LanguageSetting = Setting<LanguageRequest>

// The table of a text's settings; what is made of it, and how a row is added, stands in
// ImageSetting+Table.swift. What the request leaves open is decided in LanguageSettings.swift.
extension LanguageRequest: Configurable {
  package static let settings =
    [LanguageSetting.prompt, .maximumTokens, .minimumTokens, .seed, .temperature]
    + LanguageSetting.filters + [.mirostat] + LanguageSetting.mirostatNumbers
    + LanguageSetting.penalties + [.samplerOrder, .logitBias]
    + LanguageSetting.forms + [
      .stop, .logProbabilities, .promptCache, .lookup, .draftTokens, .beams, .lengthPenalty,
    ] + LanguageSetting.masking
  package static var `default`: LanguageRequest { LanguageRequest(prompt: "") }
}

extension LanguageSetting {
  package static var prompt: LanguageSetting { LanguageSetting("prompt", \.prompt, .prompt) }

  package static var maximumTokens: LanguageSetting {
    LanguageSetting(
      "maximumTokens", \.maximumTokens, .size, range: "1 to 1000000",
      isAllowed: { (1...1_000_000).contains($0) },
      option: SettingOption(
        "max-tokens", short: "n", .value("count"), "Maximum number of tokens to write.",
        default: "256"))
  }

  package static var minimumTokens: LanguageSetting {
    LanguageSetting(
      "minimumTokens", \.minimumTokens, .size, range: "0 or more",
      isAllowed: { $0 >= 0 },
      check: { request, _ in
        if request.minimumTokens > request.maximumTokens {
          throw RequestError.range(
            name: "minimum tokens", found: "\(request.minimumTokens)",
            allowed: "at most as many as the maximum, \(request.maximumTokens)")
        }
      },
      option: SettingOption(
        "min-tokens", aliases: ["min-new-tokens"], .value("count"),
        "Minimum number of tokens to write: the model does not end the text before.", default: "0"))
  }

  package static var seed: LanguageSetting { seed(\.seed) }
  package static var stop: LanguageSetting {
    LanguageSetting(
      "stop", \.stop, .words,
      option: SettingOption(
        "stop", .values("text"), "Ends the text before this string; may be given several times.",
        default: "none"))
  }

  package static var logProbabilities: LanguageSetting {
    LanguageSetting(
      "logProbabilities", \.logProbabilities, .words, title: "log-probabilities",
      range: "0 to 100", isAllowed: { (0...100).contains($0) },
      option: SettingOption(
        "log-probabilities", aliases: ["n-probs"], .value("count"),
        "With --json, each token with its log-probability and so many of the likeliest, before penalties and "
          + "filters; 0 for none.", default: "0"))
  }

  package static var lookup: LanguageSetting {
    LanguageSetting(
      "lookup", \.lookup, .words, range: "0 to 64", isAllowed: { (0...64).contains($0) },
      option: SettingOption(
        "lookup", aliases: ["prompt-lookup-num-tokens"], .value("count"),
        "Read so many tokens ahead, as they came after the same few before: the same text, sooner where it repeats "
          + "itself or the prompt; 0 for none.", default: "0"))
  }

  package static var draftTokens: LanguageSetting {
    LanguageSetting(
      "draftTokens", \.draftTokens, .words, range: "1 to 64",
      isAllowed: { (1...64).contains($0) },
      option: SettingOption(
        "draft-tokens", aliases: ["draft-max"], .value("count"),
        "Read so many tokens of the draft model's ahead.", default: "4"))
  }

  package static var beams: LanguageSetting {
    LanguageSetting(
      "beams", \.beams, .words, range: "1 to 64", isAllowed: { (1...64).contains($0) },
      option: SettingOption(
        "beams", aliases: ["num-beams"], .value("count"),
        "Beam search with so many beams: the likeliest text in place of one by chance; 1 for none.",
        default: "1"))
  }

  package static var lengthPenalty: LanguageSetting {
    LanguageSetting(
      "lengthPenalty", \.lengthPenalty, .words, range: "-10 to 10",
      isAllowed: { (-10...10).contains($0) },
      option: SettingOption(
        "length-penalty", .value("number"),
        "Beam search divides the score of a text by its length to this power: above 0 for longer texts.",
        default: "1"))
  }

  package static var promptCache: LanguageSetting {
    LanguageSetting(
      "promptCache", \.promptCache, .words,
      option: SettingOption(
        "prompt-cache", .value("file"),
        "Keep in this file what the beginning of the prompt became, and read a prompt that begins alike from there "
          + "on: the same text, sooner.", default: "none", takesDashes: false))
  }
}
