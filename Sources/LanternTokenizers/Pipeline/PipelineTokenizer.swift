/// A tokenizer of steps, as `tokenizer.json` writes them: added tokens are cut out, the rest is normalised, cut into
/// words and those into tokens. GGUF files of sentencepiece's kind are such too.
///
/// Gives the ids of the `tokenizers` library (0.23).
package struct PipelineTokenizer: LanguageTokenizer {
  package let window: TokenWindow
  package let beginning: [Int]
  package let endsOfTurn: [Int]
  package let frame: TextFrame
  package let notes: [String]
  private let added: AddedVocabulary
  private let normalizers: [TextNormalizer]
  private let splitters: [TextSplitter]
  private let model: any PieceModel
  private let bytes: TokenBytes

  init(
    tokens: [AddedToken], vocabulary: TokenTable, normalizers: [TextNormalizer],
    splitters: [TextSplitter], model: any PieceModel, spelling: TokenBytes.Spelling,
    window: TokenWindow,
    beginning: [Int], frame: TextFrame? = nil, endsOfTurn: [Int] = []
  ) {
    let added = AddedVocabulary(tokens, vocabulary: vocabulary) { text in
      normalizers.reduce(Array(text)) { $1.normalize($0) }
    }
    (self.normalizers, self.splitters) = (normalizers, splitters)
    (self.model, self.window, self.endsOfTurn) = (model, window, endsOfTurn)
    self.frame = frame ?? TextFrame(beginning: beginning)
    (self.added, self.beginning, notes) = (added, beginning, added.notes)
    bytes = TokenBytes(vocabulary, spelling, added: added)
  }

  package var count: Int { bytes.count }

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

  package func decode(_ ids: [Int]) -> [UInt8] { bytes.decode(ids) }
}
