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
    /// WordPiece's: a word begins with a space unless it has this prefix.
    case words(prefix: String)
  }

  init(
    tokens: [AddedToken], vocabulary: [String: Int32], normalizers: [TextNormalizer],
    splitters: [TextSplitter], model: any PieceModel, spelling: Spelling, window: TokenWindow,
    beginning: [Int]
  ) {
    let added = AddedVocabulary(tokens, vocabulary: vocabulary) { text in
      normalizers.reduce(Array(text)) { $1.normalize($0) }
    }
    (self.splitters, self.model, self.window) = (splitters, model, window)
    (self.added, self.beginning, notes) = (added, beginning, added.notes)
    var bytes: [Int: [UInt8]] = [:]
    for (token, id) in vocabulary { bytes[Int(id)] = Self.bytes(of: token, spelling) }
    for (content, id) in added.ids { bytes[Int(id)] = Array(content.utf8) }
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
    case .words(let prefix):
      return token.hasPrefix(prefix)
        ? Array(token.dropFirst(prefix.count).utf8) : [0x20] + token.utf8
    }
  }

  package var endOfText: Int { window.end }

  package func encode(_ text: ChatText) -> [Int] {
    var ids: [Int] = []
    var known: [[Unicode.Scalar]: [Int32]] = [:]
    var isFirst = true
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
