import LanternFormats

extension PipelineFile {
  /// A normalizer.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` for one that Lantern does not have.
  func normalizer(_ type: String, _ step: [String: JSONValue]) throws(TokenizerError)
    -> TextNormalizer
  {
    let simple: [String: TextNormalizer] = [
      "NFC": .nfc, "NFD": .nfd, "NFKC": .nfkc, "NFKD": .nfkd, "Lowercase": .lowercase,
      "StripAccents": .stripAccents, "Nmt": .nmt,
    ]
    if let normalizer = simple[type] { return normalizer }
    switch type {
    case "Strip":
      return .strip(
        left: step["strip_left"]?.bool ?? true, right: step["strip_right"]?.bool ?? true)
    case "Prepend": return .prepend(Array((step["prepend"]?.string ?? "").unicodeScalars))
    case "Replace": return try replacement(step)
    case "Precompiled":
      guard let text = step["precompiled_charsmap"]?.string,
        let map = Base64.decode(text.utf8).flatMap({ CharacterMap($0) })
      else { throw refusal("normalizer.precompiled_charsmap", .string("not a table")) }
      return .precompiled(map)
    case "BertNormalizer":
      let lowercases = step["lowercase"]?.bool ?? true
      return .bert(
        cleans: step["clean_text"]?.bool ?? true,
        spacesChinese: step["handle_chinese_chars"]?.bool ?? true,
        stripsAccents: step["strip_accents"]?.bool ?? lowercases, lowercases: lowercases)
    default: throw refusal("normalizer.type", .string(type))
    }
  }

  private func replacement(_ step: [String: JSONValue]) throws(TokenizerError) -> TextNormalizer {
    let pattern = step["pattern"]?.object ?? [:]
    let new = Array((step["content"]?.string ?? "").unicodeScalars)
    if let old = pattern["String"]?.string, !old.isEmpty {
      return .replace(Array(old.unicodeScalars), with: new)
    }
    guard let run = pattern["Regex"]?.string.flatMap(TextNormalizer.Run.init) else {
      throw refusal("normalizer.pattern", step["pattern"])
    }
    return .replaceRuns(run, with: new)
  }

  /// A pre-tokenizer, as one step or several.
  ///
  /// - Throws: ``TokenizerError/file(_:)`` for one that Lantern does not have.
  func splitter(_ type: String, _ step: [String: JSONValue]) throws(TokenizerError)
    -> [TextSplitter]
  {
    switch type {
    case "ByteLevel":
      let space: [TextSplitter] = step["add_prefix_space"]?.bool ?? true ? [.addsSpace] : []
      return space + (step["use_regex"]?.bool ?? true ? [.words(.gpt2)] : [])
    case "Split": return [try split(step)]
    case "Digits": return [.digits(areIndividual: step["individual_digits"]?.bool ?? false)]
    case "Whitespace": return [.wordsAndRest]
    case "WhitespaceSplit": return [.whitespace]
    case "BertPreTokenizer": return [.bert]
    case "Punctuation": return [.punctuation(try behavior(step["behavior"] ?? "Isolated"))]
    case "CharDelimiterSplit":
      guard let character = step["delimiter"]?.string, !character.isEmpty else {
        throw refusal("pre_tokenizer.delimiter", step["delimiter"])
      }
      return [.literal(Array(character.unicodeScalars), .removed)]
    case "FixedLength":
      guard let length = step["length"]?.integer, length > 0 else {
        throw refusal("pre_tokenizer.length", step["length"])
      }
      return [.fixedLength(min(length, 1 << 20))]
    case "Metaspace": return [try metaspace(step)]
    default: throw refusal("pre_tokenizer.type", .string(type))
    }
  }

  private func metaspace(_ step: [String: JSONValue]) throws(TokenizerError) -> TextSplitter {
    try check(step, "pre_tokenizer", ["replacement": ["▁"]])
    let old: TextSplitter.Prefix = step["add_prefix_space"]?.bool ?? true ? .always : .never
    let scheme = step["prepend_scheme"]?.string
    guard let prefix = scheme.map(TextSplitter.Prefix.init(rawValue:)) ?? old else {
      throw refusal("pre_tokenizer.prepend_scheme", step["prepend_scheme"])
    }
    return .metaspace(prefix, splits: step["split"]?.bool ?? true)
  }

  private func behavior(_ value: JSONValue) throws(TokenizerError) -> TextSplitter.Behavior {
    guard let behavior = value.string.flatMap(TextSplitter.Behavior.init) else {
      throw refusal("pre_tokenizer.behavior", value)
    }
    return behavior
  }

  private func split(_ step: [String: JSONValue]) throws(TokenizerError) -> TextSplitter {
    let behavior = try behavior(step["behavior"] ?? .null)
    let isInverted = step["invert"]?.bool ?? false
    let pattern = step["pattern"]?.object ?? [:]
    if let text = pattern["String"]?.string, !text.isEmpty {
      return .literal(Array(text.unicodeScalars), behavior, isInverted: isInverted)
    }
    // Every character is part of a match, so that nothing is left between them.
    let isWhole = behavior == .isolated && !isInverted || behavior == .removed && isInverted
    guard isWhole, let words = pattern["Regex"]?.string.flatMap(WordSplit.init(expression:)) else {
      throw refusal("pre_tokenizer.pattern", step["pattern"])
    }
    return .words(words)
  }
}
