package import LanternFormats

/// The byte-level BPE tokenizer of GPT-2 and its descendants, as of Phi: lossless for any text.
///
/// Gives the ids of `transformers.GPT2Tokenizer` and `CodeGenTokenizer` (5.24); Radford et al. 2019,
/// "Language Models are Unsupervised Multitask Learners".
package struct GPT2Tokenizer: Tokenizer {
  package let endOfText: Int
  package let window: TokenWindow
  package let count: Int

  private let encoding: BytePairEncoding
  /// Special tokens, as `<|endoftext|>`, and other added tokens, as Phi's runs of spaces.
  private let added: AddedVocabulary
  /// Whether a space is added before text without: `add_prefix_space`.
  private let addsSpace: Bool
  private let bytes: [Int: [UInt8]]

  /// Loads the tokenizer of a folder that `transformers` wrote.
  ///
  /// Needs `tokenizer.json`, or `vocab.json` and `merges.txt`; `tokenizer_config.json`,
  /// `special_tokens_map.json` and `added_tokens.json` may be absent.
  ///
  /// - Parameters:
  ///   - folder: where they are.
  ///   - changes: settings that go before those of `tokenizer_config.json`.
  /// - Throws: ``TokenizerError``.
  package init(folder: String, with changes: [String: JSONValue] = [:]) throws(TokenizerError) {
    let files = try TokenizerFiles(folder: folder, with: changes)
    let end = "<|endoftext|>"
    let (added, roles) = try files.addedVocabulary(
      default: ["bos_token": end, "eos_token": end, "unk_token": end], normalize: { Array($0) })
    self.added = added
    addsSpace = files.setting("add_prefix_space")?.value.bool ?? false
    var bytes: [Int: [UInt8]] = [:]
    for (token, id) in files.vocabulary { bytes[Int(id)] = BytePairEncoding.bytes(of: token) }
    for (content, id) in added.ids { bytes[Int(id)] = Array(content.utf8) }
    self.bytes = bytes
    endOfText = Int(roles["eos_token"] ?? 0)
    let length = files.setting("model_max_length")?.value.integer ?? 2048
    window = TokenWindow(
      beginning: Int(roles["bos_token"] ?? 0), end: endOfText,
      padding: Int(roles["pad_token"] ?? roles["eos_token"] ?? 0),
      length: (3...1_000_000).contains(length) ? length : 2048)
    count = (bytes.keys.max() ?? -1) + 1
    encoding = BytePairEncoding(
      vocabulary: files.vocabulary, merges: files.merges, wordEnd: "",
      unknown: roles["unk_token"] ?? 0)
  }

  package var notes: [String] { added.notes }

  package func encode(_ text: String, readsSpecial: Bool) -> [Int] {
    var ids: [Int] = []
    var known: [[UInt8]: [Int32]] = [:]
    added.split(Array(text.unicodeScalars)[...], readsSpecial: readsSpecial) { id, _ in
      ids.append(Int(id))
    } plain: { stretch in
      let stretch = addsSpace && stretch.first != " " ? [" "] + stretch : stretch
      Self.forEachWord(in: stretch) { range in
        let word = stretch[range].flatMap { UTF8.encode($0).map(Array.init) ?? [] }
        let pieces = known[word] ?? encoding.encode(word)
        if word.count <= 64 { known[word] = pieces }
        ids.append(contentsOf: pieces.lazy.map(Int.init))
      }
    }
    return ids
  }

  package func decode(_ ids: [Int]) -> [UInt8] { ids.flatMap { bytes[$0] ?? [] } }

  /// GPT-2's pre-tokeniser: contractions as `'s`; runs of letters, of numbers, or of anything else, each with
  /// a leading space; white space, the last character of which belongs to the next word.
  private static func forEachWord(
    in text: ArraySlice<Unicode.Scalar>, _ body: (Range<Int>) -> Void
  ) {
    var position = text.startIndex
    while position < text.endIndex {
      let word: Range<Int>
      if let ending = endings.first(where: { text[position...].starts(with: $0) }) {
        word = position..<position + ending.count
      } else {
        // A run that is not white space may have one leading space.
        let hasSpace = text[position] == " " && position + 1 < text.endIndex
        let start = hasSpace ? position + 1 : position
        let kind = ScalarKind(text[start])
        if kind != .space {
          let end = text[start...].firstIndex { ScalarKind($0) != kind } ?? text.endIndex
          word = position..<end
        } else {
          var end = text[position...].firstIndex { ScalarKind($0) != .space } ?? text.endIndex
          if end < text.endIndex, end - position > 1 { end -= 1 }
          word = position..<end
        }
      }
      body(word)
      position = word.upperBound
    }
  }

  private static let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
    Array($0.unicodeScalars)
  }
}
