import LanternFormats
import LanternTokenizers
import TestSupport
import Testing

/// Vocabularies have letters with combining marks next to the precomposed ones, Gemma's some hundred; `String` takes
/// both for the same.
@Suite struct TokenTableTests {
  private static let composed = "\u{E9}", decomposed = "e\u{301}"
  private static let tokens = ["<unk>", "e", "\u{301}", composed, decomposed]

  private func check(_ tokenizer: some LanguageTokenizer) {
    for (id, text) in [3: Self.composed, 4: Self.decomposed] {
      #expect(tokenizer.encode(text, readsSpecial: false) == [id])
      #expect(tokenizer.decode([id]) == Array(text.utf8))
    }
    #expect(tokenizer.count == Self.tokens.count)
  }

  @Test("tokens that differ by composition alone are two, in a tokenizer.json")
  func json() throws {
    let vocabulary = Self.tokens.enumerated().map { "\(JSON.quoted($1)): \($0)" }
    let text = """
      {"model": {"type": "BPE", "unk_token": "<unk>", "vocab": {\(vocabulary.joined(separator: ", "))},
      "merges": [["e", "\u{301}"]]}}
      """
    try withTemporaryFolder { folder in
      try write(text, folder, "tokenizer.json")
      check(try TokenizerCatalogue.loadLanguage(folder: folder))
      try write(
        text.replacing("\"e\": 1", with: "\"e\": 1, \"e\": 1"), folder, "tokenizer.json")
      #expect(throws: TokenizerError.self) { try TokenizerCatalogue.loadLanguage(folder: folder) }
    }
  }

  @Test("tokens that differ by composition alone are two, in a GGUF file")
  func gguf() throws {
    func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.gguf"
      try GGUFFile.write(
        [
          GGUFField(key("model"), "llama"), GGUFField(key("tokens"), Self.tokens),
          GGUFField(key("token_type"), [2, 1, 1, 1, 1]),
          GGUFField(key("scores"), [Float(0), -1, -2, -3, -4]),
          GGUFField(key("add_space_prefix"), false),
        ], [], to: path)
      check(try TokenizerCatalogue.load(GGUFFile(path)))
    }
  }

  @Test("ids may lie far apart, in any order")
  func distant() throws {
    try withTemporaryFolder { folder in
      try write(
        """
        {"model": {"type": "BPE", "vocab": {"b": 2000000000, "a": 7}, "merges": []}}
        """, folder, "tokenizer.json")
      let tokenizer = try TokenizerCatalogue.loadLanguage(folder: folder)
      #expect(tokenizer.encode("ab", readsSpecial: false) == [7, 2_000_000_000])
      #expect(tokenizer.decode([2_000_000_000, 7, 8]) == Array("ba".utf8))
    }
  }
}
