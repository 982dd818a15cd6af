import LanternDecoding
package import LanternFormats

// How the next token is chosen.
extension LanguageSetting {
  /// What leaves out tokens that are not likely.
  static var filters: [LanguageSetting] {
    [topP, topK, minP, typicalP, xtcProbability, xtcThreshold]
  }

  /// What Mirostat aims at, and how fast.
  static var mirostatNumbers: [LanguageSetting] { [mirostatTarget, mirostatRate] }

  /// What changes the scores of tokens that occurred.
  static var penalties: [LanguageSetting] {
    [repetitionWindow] + countedPenalties + [dryMultiplier] + dryNumbers
  }

  /// The penalties that count tokens in a window.
  static var countedPenalties: [LanguageSetting] {
    [repetitionPenalty, frequencyPenalty, presencePenalty]
  }

  /// What DRY counts, and how much that costs.
  static var dryNumbers: [LanguageSetting] { [dryBase, dryAllowedLength, dryWindow, dryBreakers] }

  package static var temperature: LanguageSetting { temperature(\.temperature, default: "0.8") }
  package static var topP: LanguageSetting { topP(\.topP, default: "0.95") }
  package static var topK: LanguageSetting { topK(\.topK) }
  package static var minP: LanguageSetting { minP(\.minP) }
  package static var repetitionPenalty: LanguageSetting { repetitionPenalty(\.repetitionPenalty) }

  package static var typicalP: LanguageSetting {
    LanguageSetting(
      "typicalP", \.typicalP, .words, title: "typical-p", range: "more than 0, to 1",
      isAllowed: { $0 > 0 && $0 <= 1 },
      option: SettingOption(
        "typical-p", aliases: ["typical"], .value("share"),
        "Only the words whose surprise is nearest to the expected one, that together have this probability.",
        default: "1"))
  }

  package static var xtcProbability: LanguageSetting {
    LanguageSetting(
      "xtcProbability", \.xtcProbability, .words, title: "XTC probability", range: "0 to 1",
      isAllowed: { (0...1).contains($0) },
      option: SettingOption(
        "xtc-probability", .value("share"),
        "How often all words above the XTC threshold but the least likely are left out.",
        default: "0"))
  }

  package static var xtcThreshold: LanguageSetting {
    LanguageSetting(
      "xtcThreshold", \.xtcThreshold, .words, title: "XTC threshold", range: "more than 0, to 0.5",
      isAllowed: { $0 > 0 && $0 <= 0.5 },
      option: SettingOption(
        "xtc-threshold", .value("share"), "The probability from which on XTC leaves words out.",
        default: "0.1"))
  }

  package static var mirostat: LanguageSetting {
    LanguageSetting(
      "mirostat", \.mirostat, .words, range: "0, 1 or 2", isAllowed: { (0...2).contains($0) },
      option: SettingOption(
        "mirostat", .value("version"),
        "Mirostat in place of filters and penalties: 1 or 2; 0 for none.", default: "0"))
  }

  package static var mirostatTarget: LanguageSetting {
    LanguageSetting(
      "mirostatTarget", \.mirostatTarget, .words, range: "0 to 100",
      isAllowed: { (0...100).contains($0) },
      option: SettingOption(
        "mirostat-ent", .value("number"), "Mirostat's target: the surprise of a word in bits.",
        default: "5"))
  }

  package static var mirostatRate: LanguageSetting {
    LanguageSetting(
      "mirostatRate", \.mirostatRate, .words, range: "0 to 1", isAllowed: { (0...1).contains($0) },
      option: SettingOption(
        "mirostat-lr", .value("number"), "Mirostat's learning rate.", default: "0.1"))
  }

  package static var frequencyPenalty: LanguageSetting {
    LanguageSetting(
      "frequencyPenalty", \.frequencyPenalty, .words, range: "-100 to 100",
      isAllowed: { (-100...100).contains($0) },
      option: SettingOption(
        "frequency-penalty", .value("number"),
        "What the score of a word loses for each time that it occurred.", default: "0"))
  }

  package static var presencePenalty: LanguageSetting {
    LanguageSetting(
      "presencePenalty", \.presencePenalty, .words, range: "-100 to 100",
      isAllowed: { (-100...100).contains($0) },
      option: SettingOption(
        "presence-penalty", .value("number"), "What the score of a word that occurred loses.",
        default: "0"))
  }

  package static var repetitionWindow: LanguageSetting {
    window(
      "repetitionWindow", \.repetitionWindow, "repeat-last-n",
      "How many of the last tokens repetition, frequency and presence penalty count")
  }

  package static var dryMultiplier: LanguageSetting {
    LanguageSetting(
      "dryMultiplier", \.dryMultiplier, .words, title: "DRY multiplier", range: "0 to 100",
      isAllowed: { (0...100).contains($0) },
      option: SettingOption(
        "dry-multiplier", .value("number"),
        "DRY: what the score of a word that prolongs a repetition loses; 0 for no change.",
        default: "0"))
  }

  package static var dryBase: LanguageSetting {
    LanguageSetting(
      "dryBase", \.dryBase, .words, title: "DRY base", range: "1 to 100",
      isAllowed: { (1...100).contains($0) },
      option: SettingOption(
        "dry-base", .value("number"),
        "DRY: factor of that for each token that the repetition is longer.", default: "1.75"))
  }

  package static var dryAllowedLength: LanguageSetting {
    LanguageSetting(
      "dryAllowedLength", \.dryAllowedLength, .words, title: "DRY allowed length",
      range: "1 or more", isAllowed: { $0 >= 1 },
      option: SettingOption(
        "dry-allowed-length", .value("count"),
        "DRY: how many tokens a repetition may have without a loss.", default: "2"))
  }

  package static var dryWindow: LanguageSetting {
    window(
      "dryWindow", \.dryWindow, "dry-penalty-last-n", title: "DRY window",
      "DRY: how many of the last tokens are searched")
  }

  package static var dryBreakers: LanguageSetting {
    LanguageSetting(
      "dryBreakers", \.dryBreakers, .words, title: "DRY sequence breakers",
      option: SettingOption(
        "dry-sequence-breaker", .values("text"),
        "DRY: a text that ends a repetition, in place of the usual ones; may be given several times.",
        default: "the end of a line, :, \" and *"))
  }

  package static var samplerOrder: LanguageSetting {
    LanguageSetting(
      "samplerOrder", \.samplerOrder, .words, range: SamplerStep.orders,
      isAllowed: { SamplerStep.steps($0) != nil },
      option: SettingOption(
        "sampler-order", aliases: ["samplers"], .value("order"),
        "The order of penalties, filters and temperature: \(SamplerStep.orders).",
        default: "transformers", takesDashes: false))
  }

  package static var logitBias: LanguageSetting {
    LanguageSetting(
      "logitBias", \.logitBias, .words, title: "logit bias",
      option: SettingOption(
        "logit-bias", .values("id±bias"),
        "Adds to the score of a token: 123+2.5, 123-4, or 123-inf for one that is never written; may be given "
          + "several times.", default: "none"
      ).taking(
        [String].self, check: { _ = try biases($0) }, assign: { $1.logitBias = try biases($0) }))
  }

  /// How many of the last tokens are looked at.
  private static func window(
    _ name: String, _ path: any WritableKeyPath<LanguageRequest, Int> & Sendable, _ option: String,
    title: String? = nil, _ help: String
  ) -> LanguageSetting {
    LanguageSetting(
      name, path, .words, title: title, range: "-1 or more", isAllowed: { $0 >= -1 },
      option: SettingOption(
        option, .value("count"), help + "; -1 for all, 0 for none.", default: "-1"))
  }

  /// Biases as llama.cpp spells them: an id, a sign, a number.
  @Sendable private static func biases(_ texts: [String]) throws(RequestError) -> [Int: Float] {
    var biases: [Int: Float] = [:]
    for text in texts {
      let sign = text.firstIndex { $0 == "+" || $0 == "-" } ?? text.endIndex
      guard let id = Int(text[..<sign]), let bias = Float(text[sign...]), bias < .infinity else {
        throw .range(
          name: "logit bias", found: text, allowed: "a token's id, + or -, and a number, as 123-4.5"
        )
      }
      biases[id, default: 0] += bias
    }
    return biases
  }
}

/// What is added to the scores of tokens, by id.
extension Dictionary: SettingValue where Key == Int, Value == Float {
  package typealias Given = [Int: Float]
  package static var typeName: String { "numbers by id" }
  package init?(json: JSONValue) {
    guard let object = json.object else { return nil }
    self.init()
    for (key, value) in object {
      guard let id = Int(key), let bias = value.double else { return nil }
      self[id] = Float(bias)
    }
  }
  package var json: JSONValue {
    .object(
      Dictionary<String, JSONValue>(uniqueKeysWithValues: map { ("\($0)", .number(Double($1))) }))
  }
}
