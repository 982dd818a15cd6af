import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// The fixture holds a small vocabulary laid out as OpenAI's, and what `transformers` makes of a
/// mean corpus with it: tools/fixtures/clip_tokenizer.py.
@Suite struct CLIPTokenizerTests {
  static let kinds = ["plain", "stable diffusion 1", "stable diffusion 2", "added tokens"]

  @Test("ids equal those of transformers on a mean corpus", arguments: kinds)
  func corpus(kind: String) throws {
    let reference = try TokenizerFixture(kind)
    let tokenizer = try reference.load()
    #expect(tokenizer.beginningOfText == reference.integer("beginning"))
    #expect(tokenizer.endOfText == reference.integer("end"))
    #expect(tokenizer.padding == reference.integer("padding"))
    #expect(tokenizer.maximumLength == reference.integer("length"))
    #expect(reference.pairs("texts").count > 80)
    for (text, ids) in reference.pairs("texts") {
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
    }
    for (text, ids) in reference.pairs("padded") {
      #expect(tokenizer.tokens(for: text) == ids, "\(text.debugDescription)")
    }
  }
}
