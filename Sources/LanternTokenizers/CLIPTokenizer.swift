package import LanternFormats

/// The byte-pair tokenizer of OpenAI's CLIP and its descendants.
///
/// Gives the ids of `transformers.CLIPTokenizer` (5.24); Radford et al. 2021, arXiv:2103.00020.
package struct CLIPTokenizer: Tokenizer {
  package let endOfText: Int
  package let window: TokenWindow

  /// The id of each token, but for those that were added.
  package let vocabulary: TokenTable
  private let encoding: BytePairEncoding
  private let added: AddedVocabulary

  /// Loads the tokenizer of a folder that `transformers` or diffusers wrote.
  ///
  /// Needs `tokenizer.json`, or `vocab.json` and `merges.txt`; `tokenizer_config.json`,
  /// `special_tokens_map.json` and `added_tokens.json` may be absent. A `model_max_length` that is
  /// absent or beyond a million counts as CLIP's 77.
  ///
  /// Where `tokenizer_config.json` has `"vocabulary_of_merges": true`, `merges.txt` is enough, and the
  /// tokens are numbered as OpenAI's: bytes, bytes that end a word, merges, the two special tokens.
  ///
  /// - Parameters:
  ///   - folder: where they are.
  ///   - changes: settings that go before those of `tokenizer_config.json`.
  /// - Throws: ``TokenizerError``.
  package init(folder: String, with changes: [String: JSONValue] = [:]) throws(TokenizerError) {
    let files = try TokenizerFiles(folder: folder, with: changes, implied: Self.tokens)
    let end = "<|endoftext|>"
    let (added, roles) = try files.addedVocabulary(
      default: [
        "bos_token": "<|startoftext|>", "eos_token": end, "unk_token": end, "pad_token": end,
      ], normalize: CLIPWords.normalize)
    self.added = added
    endOfText = Int(roles["eos_token"] ?? 0)
    window = TokenWindow(
      beginning: Int(roles["bos_token"] ?? 0), end: endOfText,
      padding: Int(roles["pad_token"] ?? 0), length: try Self.maximumLength(files))
    vocabulary = files.vocabulary
    encoding = BytePairEncoding(
      vocabulary: files.vocabulary, merges: files.merges, wordEnd: Self.wordEnd,
      unknown: roles["unk_token"] ?? 0)
  }

  /// The vocabulary that merges imply, in the order of its ids.
  private static func tokens(of merges: [[ArraySlice<UInt8>]]) -> [String] {
    // The bytes that stand for themselves come first.
    let letters = zip(BytePairEncoding.byteAlphabet, UInt32(0)...)
    let bytes =
      (letters.filter { $0.unicodeScalars.first?.value == $1 }
      + letters.filter { $0.unicodeScalars.first?.value != $1 }).map { String($0.0) }
    return bytes + bytes.map { $0 + wordEnd }
      + merges.map { String(decoding: $0.joined(), as: UTF8.self) }
      + ["<|startoftext|>", "<|endoftext|>"]
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

  package var notes: [String] { added.notes }

  package var count: Int {
    max(vocabulary.maximumID, Int(added.ids.values.max() ?? -1)) + 1
  }

  private static let wordEnd = "</w>"

  /// The text of ids, with a space behind each word; added tokens as they are written, where
  /// `transformers` gives some in lower case.
  package func decode(_ ids: [Int]) -> [UInt8] {
    let wanted = Set(ids)
    var bytes: [Int: [UInt8]] = [:]
    for (token, id) in vocabulary where wanted.contains(Int(id)) {
      bytes[Int(id)] = BytePairEncoding.bytes(of: token)
    }
    for (content, id) in added.ids where wanted.contains(Int(id)) {
      bytes[Int(id)] = Array(content.utf8)
    }
    let end = Array(Self.wordEnd.utf8)
    var text: [UInt8] = []
    for id in ids {
      text += bytes[id] ?? []
      if text.suffix(end.count) == end[...] { text[(text.count - end.count)...] = [0x20] }
    }
    return text
  }

  package func encode(_ text: String, readsSpecial: Bool) -> [Int] {
    var ids: [Int] = []
    var known: [[UInt8]: [Int32]] = [:]
    added.split(Array(text.unicodeScalars)[...], mayBeSpecial: { _ in readsSpecial }) { id, _ in
      ids.append(Int(id))
    } plain: { normalized in
      CLIPWords.forEachWord(in: normalized) { range in
        let word = normalized[range].flatMap { UTF8.encode($0).map(Array.init) ?? [] }
        let pieces = known[word] ?? encoding.encode(word)
        if word.count <= 64 { known[word] = pieces }
        ids.append(contentsOf: pieces.lazy.map(Int.init))
      }
    }
    return ids
  }

  package func withAllVectors(_ text: String) -> String { added.withAllVectors(text) }

  package func withoutAddedTokens(_ text: String) -> String {
    var rest = String.UnicodeScalarView()
    added.split(Array(text.unicodeScalars)[...]) { _, _ in
      rest.append(" ")
    } plain: {
      rest.append(contentsOf: $0)
    }
    return String(rest)
  }
}
