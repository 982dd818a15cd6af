/// The layout of the vocabulary: ids of text, special tokens, picture codes and the mask. The only arithmetic
/// on ids.
package struct TokenMap: Sendable, Equatable {
  /// The special tokens behind the text, in the order in which Show-o adds them.
  package static let specials = [
    "[PAD]", "<|soi|>", "<|eoi|>", "<|sov|>", "<|eov|>", "<|t2i|>", "<|mmu|>", "<|t2v|>",
    "<|v2v|>", "<|lvg|>",
  ]

  /// Ids of text, ``endOfText`` among them.
  package let text: Range<Int>
  /// Ids of picture codes.
  package let codes: Range<Int>
  /// Begins and ends a text.
  package let endOfText: Int

  /// - Parameters:
  ///   - textCount: tokens of text.
  ///   - codebookSize: codes of pictures.
  ///   - endOfText: the text tokenizer's id of `<|endoftext|>`.
  package init(textCount: Int, codebookSize: Int, endOfText: Int) {
    text = 0..<textCount
    let first = textCount + Self.specials.count
    codes = first..<first + codebookSize
    self.endOfText = endOfText
  }

  /// The id of a special token, by its index in ``specials``.
  private func special(_ index: Int) -> Int { text.upperBound + index }
  /// Begins a picture.
  package var startOfImage: Int { special(1) }
  /// Ends a picture.
  package var endOfImage: Int { special(2) }
  /// Begins a caption that is to be drawn.
  package var textToImage: Int { special(5) }
  /// Begins a picture to caption.
  package var understanding: Int { special(6) }
  /// Begins a text with several pictures.
  package var longText: Int { special(9) }
  /// A code that is not known yet.
  package var mask: Int { codes.upperBound }
  /// Ids that a text's next token is chosen among: text and special tokens.
  package var written: Range<Int> { 0..<codes.lowerBound }

  /// A picture as a block of tokens, `<|soi|> codes <|eoi|>`; nil stands for a code not known yet.
  package func block(_ codes: [Int?]) -> [Int] {
    [startOfImage] + codes.map { $0.map { self.codes.lowerBound + $0 } ?? mask } + [endOfImage]
  }
}
