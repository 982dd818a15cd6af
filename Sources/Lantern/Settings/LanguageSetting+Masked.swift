import LanternDecoding
import LanternModels

// How a model that fills in masked tokens does that.
extension LanguageSetting {
  /// All of these.
  static var masking: [LanguageSetting] {
    [steps, blockLength, remasking, confidence, maskCache, maskGuidance]
  }

  package static var steps: LanguageSetting {
    LanguageSetting(
      "steps", \.steps, .stepping, range: "1 to 1000000",
      isAllowed: { (1...1_000_000).contains($0) },
      option: SettingOption(
        "steps", .value("count"),
        "Of a model that fills in masked tokens: steps in all.", default: "one for each token"))
  }

  package static var blockLength: LanguageSetting {
    LanguageSetting(
      "blockLength", \.blockLength, .stepping, range: "1 to 1000000",
      isAllowed: { (1...1_000_000).contains($0) },
      option: SettingOption(
        "block-length", .value("count"),
        "Of a model that fills in masked tokens: tokens of a block, which is filled in before the next.",
        default: "all; 8 within the blocks of block diffusion"))
  }

  package static var remasking: LanguageSetting {
    let names = MaskedTextDecoder.Order.allCases.map(\.rawValue).joined(separator: ", ")
    return LanguageSetting(
      "remasking", \.remasking, .stepping, range: names,
      isAllowed: { MaskedTextDecoder.Order(rawValue: $0) != nil },
      option: SettingOption(
        "remasking", .value("name"),
        "Of a model that fills in masked tokens: which stay masked longest, by \(names).",
        default: "the model's own", takesDashes: false))
  }

  package static var confidence: LanguageSetting {
    LanguageSetting(
      "confidence", \.confidence, .stepping, range: "0 to 1", isAllowed: { (0...1).contains($0) },
      option: SettingOption(
        "confidence", .value("share"),
        "Of a model that fills in masked tokens: fill in all of this probability at once, in as many steps as that "
          + "takes.", default: "none; 0.9 in block diffusion"))
  }

  package static var maskCache: LanguageSetting {
    let names = MaskedTextCache.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    return LanguageSetting(
      "maskCache", \.maskCache, .stepping, range: names,
      isAllowed: { MaskedTextCache.Kind(rawValue: $0) != nil },
      option: SettingOption(
        "mask-cache", .value("name"),
        "Of a model that fills in masked tokens: keep keys and values of a block's first step for its next ones, of "
          + "the tokens before it, or of those behind it too: \(names). Faster, and another text.",
        default: "none", takesDashes: false))
  }

  package static var maskGuidance: LanguageSetting {
    LanguageSetting(
      "maskGuidance", \.maskGuidance, .guidance, title: "guidance", range: "0 to 100",
      isAllowed: { (0...100).contains($0) },
      option: SettingOption(
        "guidance", .value("scale"),
        "Of a model that fills in masked tokens: strength of guidance by the prompt; 0 for none.",
        default: "0"))
  }
}
