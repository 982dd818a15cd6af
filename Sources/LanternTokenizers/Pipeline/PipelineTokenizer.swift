/// A tokenizer of steps, as `tokenizer.json` writes them: added tokens are cut out, the rest is normalised, cut into
/// words and those into tokens. GGUF files of sentencepiece's kind are such too.
///
/// Gives the ids of the `tokenizers` library (0.23).
package struct PipelineTokenizer: LanguageTokenizer {
  package let window: TokenWindow
  package let count: Int
  package let beginning: [Int]
  package let notes: [String]
  private let added: AddedVocabulary
  private let normalizers: [TextNormalizer]
  private let splitters: [TextSplitter]
  private let model: any PieceModel
  /// The bytes of each token, as a text that goes on has them.
  private let bytes: [Int: [UInt8]]

  /// What ids stand for.
  enum Spelling {
    /// GPT-2's alphabet of bytes.
    case bytes
    /// `▁` for spaces, `<0x0A>` for bytes.
    case spaces
    /// WordPiece's: a word begins with a space unless it has this prefix, or, cleaned up, is punctuation or the end of a
    /// contraction.
    case words(prefix: String, cleansUp: Bool)
  }

  init(
    tokens: [AddedToken], vocabulary: [String: Int32], normalizers: [TextNormalizer],
    splitters: [TextSplitter], model: any PieceModel, spelling: Spelling, window: TokenWindow,
    beginning: [Int]
  ) {
    let added = AddedVocabulary(tokens, vocabulary: vocabulary) { text in
      normalizers.reduce(Array(text)) { $1.normalize($0) }
    }
    (self.normalizers, self.splitters) = (normalizers, splitters)
    (self.model, self.window) = (model, window)
    (self.added, self.beginning, notes) = (added, beginning, added.notes)
    var bytes: [Int: [UInt8]] = [:]
    for (token, id) in vocabulary { bytes[Int(id)] = Self.bytes(of: token, spelling) }
    for (token, id) in added.ids { bytes[Int(id)] = Self.bytes(of: token, spelling) }
    self.bytes = bytes
    count = (bytes.keys.max() ?? -1) + 1
  }

  private static func bytes(of token: String, _ spelling: Spelling) -> [UInt8] {
    switch spelling {
    case .bytes: return BytePairEncoding.bytes(of: token)
    case .spaces:
      if let byte = UnknownCharacters.byte(of: token) { return [byte] }
      return token.unicodeScalars.flatMap {
        $0 == "▁" ? [0x20] : UTF8.encode($0).map(Array.init) ?? []
      }
    case .words(let prefix, let cleansUp):
      let bytes = Array(token.utf8)
      if !prefix.isEmpty, bytes.starts(with: prefix.utf8) {
        return Array(bytes.dropFirst(prefix.utf8.count))
      }
      return cleansUp && joined.contains { bytes.starts(with: $0.utf8) } ? bytes : [0x20] + bytes
    }
  }

  /// What loses the space in front of it when the library's WordPiece decoder cleans up.
  private static let joined = [".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"]

  package var endOfText: Int { window.end }

  package func encode(_ text: ChatText) -> [Int] {
    var ids: [Int] = []
    var known: [[Unicode.Scalar]: [Int32]] = [:]
    var isFirst = !dropsBeginning(of: text)
    added.split(text.scalars[...], mayBeSpecial: text.isOfTemplate) { id, _ in
      ids.append(Int(id))
      isFirst = false
    } plain: { stretch in
      for word in words(of: stretch, isFirst: isFirst) {
        // Words come again; long ones seldom.
        let isShort = word.count <= 32
        let found = isShort ? known[Array(word)] : nil
        let pieces = found ?? model.encode(word)
        if isShort { known[Array(word)] = pieces }
        ids += pieces.lazy.map(Int.init)
      }
      isFirst = false
    }
    return ids
  }

  /// Whether the first character of a text goes when it is normalised: to the library what is left does not begin the
  /// text then.
  private func dropsBeginning(of text: ChatText) -> Bool {
    guard let first = text.scalars.first else { return false }
    return normalizers.reduce([first]) { $1.normalize($0) }.isEmpty
  }

  private func words(of stretch: ArraySlice<Unicode.Scalar>, isFirst: Bool)
    -> [ArraySlice<Unicode.Scalar>]
  {
    splitters.reduce([stretch]) { words, splitter in
      words.enumerated().flatMap { splitter.split($1, isFirst: isFirst && $0 == 0) }
    }
  }

  package func firstSpecial(in text: String) -> (before: String, id: Int)? {
    added.firstSpecial(in: text)
  }

  package func decode(_ ids: [Int]) -> [UInt8] { ids.flatMap { bytes[$0] ?? [] } }
}
