import LanternFormats

/// The tokenizer of OpenAI's CLIP and its kin.
///
/// Gives the ids of `transformers.CLIPTokenizer` (5.23); Radford et al. 2021, arXiv:2103.00020.
package struct CLIPTokenizer: Tokenizer {
  package let beginningOfText: Int
  package let endOfText: Int
  package let padding: Int
  package let maximumLength: Int

  private let encoding: BytePairEncoding
  /// Found in the text as it was typed.
  private var special = SpecialTokens()
  /// Found in the cleaned text.
  private var normalizedSpecial = SpecialTokens()

  /// Loads the tokenizer of a folder that `transformers` or diffusers wrote.
  ///
  /// Needs `vocab.json` and `merges.txt`, or `tokenizer.json`; `tokenizer_config.json`,
  /// `special_tokens_map.json` and `added_tokens.json` may be absent. A `model_max_length` that is
  /// absent or beyond a million counts as CLIP's 77.
  ///
  /// - Throws: ``TokenizerError``.
  package init(folder: String) throws(TokenizerError) {
    let files = try TokenizerFiles(folder: folder)
    let end = "<|endoftext|>"
    let named: [(key: String, standard: String?)] = [
      ("bos_token", "<|startoftext|>"), ("eos_token", end), ("unk_token", end), ("sep_token", nil),
      ("pad_token", end), ("cls_token", nil), ("mask_token", nil),
    ]
    var ids: [String: Int32] = [:]
    var tokens = files.added
    for (key, standard) in named {
      guard let found = try files.specialToken(key, default: standard) else { continue }
      ids[key] = found.id
      // One text may be named twice with different flags: the last flags that are new count.
      if !tokens.contains(where: { $0 == found }) { tokens.append(found) }
    }
    var seen: Set<Int32> = []
    for (token, id) in tokens.reversed() where seen.insert(id).inserted {
      let text = Array(token.content.unicodeScalars)
      if token.isNormalized {
        normalizedSpecial.add(CLIPWords.clean(text[...]), id: id)
      } else {
        special.add(text, id: id)
      }
    }
    beginningOfText = Int(ids["bos_token"] ?? 0)
    endOfText = Int(ids["eos_token"] ?? 0)
    padding = Int(ids["pad_token"] ?? 0)
    maximumLength = try Self.maximumLength(files)
    encoding = try BytePairEncoding(
      vocabulary: files.vocabulary, merges: files.merges, wordEnd: "</w>",
      unknown: ids["unk_token"] ?? 0, file: files.mergesFile)
  }

  private static func maximumLength(_ files: TokenizerFiles) throws(TokenizerError) -> Int {
    let key = "model_max_length"
    guard let (value, file) = files.setting(key) else { return 77 }
    guard let number = value.double else {
      throw .file(.wrongType(key: key, expected: "a number", file: file))
    }
    if number > 1_000_000 { return 77 }
    guard let length = value.integer, length >= 3 else {
      throw .file(.unsupportedSetting(key: key, value: JSON.write(value), file: file))
    }
    return length
  }

  package func encode(_ text: String) -> [Int] {
    var ids: [Int] = []
    var known: [[UInt8]: [Int32]] = [:]
    special.split(Array(text.unicodeScalars)[...]) { id in
      ids.append(Int(id))
    } plain: { stretch in
      normalizedSpecial.split(CLIPWords.clean(stretch)[...]) { id in
        ids.append(Int(id))
      } plain: { cleaned in
        CLIPWords.forEachWord(in: cleaned) { range in
          let word = cleaned[range].flatMap { UTF8.encode($0).map(Array.init) ?? [] }
          let pieces = known[word] ?? encoding.encode(word)
          if word.count <= 64 { known[word] = pieces }
          ids.append(contentsOf: pieces.lazy.map(Int.init))
        }
      }
    }
    return ids
  }
}
