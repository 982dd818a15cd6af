package import LanternFormats

/// The byte-level BPE tokenizer of GPT-2 and its descendants, as of Phi, Llama 3 and Qwen: lossless for any
/// text.
///
/// Gives the ids of `transformers.GPT2Tokenizer` and `CodeGenTokenizer` (5.24); Radford et al. 2019,
/// "Language Models are Unsupervised Multitask Learners".
package struct GPT2Tokenizer: LanguageTokenizer {
  package let endOfText: Int
  package let window: TokenWindow
  package let beginning: [Int]

  private let encoding: BytePairEncoding
  /// Special tokens, as `<|endoftext|>`, and other added tokens, as Phi's runs of spaces.
  private let added: AddedVocabulary
  /// Whether a space is added before text without: `add_prefix_space`.
  private let addsSpace: Bool
  private let bytes: TokenBytes
  private let words: WordSplit

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
    bytes = TokenBytes(files.vocabulary, .bytes, added: added)
    endOfText = Int(roles["eos_token"] ?? 0)
    let length = files.setting("model_max_length")?.value.integer ?? 2048
    window = TokenWindow(
      beginning: Int(roles["bos_token"] ?? 0), end: endOfText,
      padding: Int(roles["pad_token"] ?? roles["eos_token"] ?? 0),
      length: (3...1_000_000).contains(length) ? length : 2048)
    encoding = BytePairEncoding(
      vocabulary: files.vocabulary, merges: files.merges, wordEnd: "",
      unknown: roles["unk_token"] ?? 0)
    words = .gpt2
    // As of OPT.
    let addsBeginning = files.setting("add_bos_token")?.value.bool ?? false
    beginning = addsBeginning ? [window.beginning] : []
  }

  /// The tokenizer of a language model's GGUF file, of `tokenizer.ggml.model` `gpt2`.
  ///
  /// - Throws: ``TokenizerError``, for a pre-tokenizer that Lantern does not have among others.
  init(_ file: GGUFFile) throws(TokenizerError) {
    let vocabulary = try GGUFVocabulary(file)
    let pre = file.values["tokenizer.ggml.pre"]?.string ?? "default"
    guard let words = WordSplit(named: pre) else {
      throw .file(
        .unsupportedSetting(key: "tokenizer.ggml.pre", value: JSON.quoted(pre), file: file.path))
    }
    self.words = words
    self.added = AddedVocabulary(
      vocabulary.added, vocabulary: vocabulary.ids, normalize: { Array($0) })
    addsSpace = file.values["tokenizer.ggml.add_space_prefix"]?.bool ?? false
    bytes = TokenBytes(vocabulary.ids, .bytes, added: added)
    window = vocabulary.window
    endOfText = window.end
    beginning = vocabulary.addsBeginning == true ? [window.beginning] : []
    let added = self.added
    encoding = BytePairEncoding(
      vocabulary: vocabulary.ids.filter { !added.isSpecial($0.id) },
      merges: try vocabulary.merges(), takesWholeWords: WordSplit.takesWholeWords(named: pre))
  }

  package var count: Int { bytes.count }

  package var notes: [String] { added.notes }

  package func encode(_ text: ChatText) -> [Int] {
    var ids: [Int] = []
    var known: [[UInt8]: [Int32]] = [:]
    added.split(text.scalars[...], mayBeSpecial: text.isOfTemplate) { id, _ in
      ids.append(Int(id))
    } plain: { stretch in
      let stretch = addsSpace && stretch.first != " " ? [" "] + stretch : stretch
      words.forEachWord(in: stretch) { range in
        let word = stretch[range].flatMap { UTF8.encode($0).map(Array.init) ?? [] }
        let pieces = known[word] ?? encoding.encode(word)
        if word.count <= 64 { known[word] = pieces }
        ids.append(contentsOf: pieces.lazy.map(Int.init))
      }
    }
    return ids
  }

  package func firstSpecial(in text: String) -> (before: String, id: Int)? {
    added.firstSpecial(in: text)
  }

  package func decode(_ ids: [Int]) -> [UInt8] { bytes.decode(ids) }
}
