import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// Byte-level tokenizers of GGUF files against the tokenizers library with each model's pre-tokenizer:
/// tools/fixtures/gguf_models.py.
@Suite struct GGUFTokenizerTests {
  private static let files = [
    "gpt-2": "llama_biased", "smollm": "qwen3", "llama-bpe": "llama", "qwen2": "qwen2",
  ]

  @Test("ids of 600 mean texts are those of the tokenizers library, and go back", arguments: files)
  func ids(pre: String, file: String) throws {
    let tokenizer = try TokenizerCatalogue.load(GGUFFile(fixture("gguf_models/\(file).gguf")))
    let members = try #require(try JSON.read(fixture("gguf_models/tokens.json")).object)
    let texts = members["texts"]?.array?.compactMap(\.string) ?? []
    let all = members["ids"]?.object?[pre]?.array ?? []
    #expect(texts.count == 606 && all.count == 606 && tokenizer.count == 400)
    for (text, ids) in zip(texts, all) {
      let found = tokenizer.encode(text, readsSpecial: false)
      #expect(found == ids.array?.compactMap(\.integer), "\(pre): \(text.debugDescription)")
      #expect(tokenizer.decode(found) == Array(text.utf8), "\(pre): \(text.debugDescription)")
    }
  }

  @Test("control tokens are read from templates alone, never from what people type")
  func control() throws {
    let tokenizer = try TokenizerCatalogue.load(GGUFFile(fixture("gguf_models/qwen2.gguf")))
    #expect(tokenizer.encode("<|im_start|>a<|im_end|>", readsSpecial: true).first == 1)
    #expect(tokenizer.encode("<|im_start|>a<|im_end|>", readsSpecial: true).last == 2)
    #expect(!tokenizer.encode("<|im_start|>a<|im_end|>", readsSpecial: false).contains(1))
    #expect(tokenizer.window.beginning == 1 && tokenizer.endOfText == 2)
  }

  @Test("every split is known by llama.cpp's name for it, and others are not")
  func names() {
    // No file of llama.cpp's has cl100k_base's.
    for split in WordSplit.allCases where split != .cl100k {
      #expect(WordSplit(named: split.rawValue) == split)
    }
    #expect(WordSplit(named: "cl100k") == nil && WordSplit(named: "bloom") == nil)
  }
}
