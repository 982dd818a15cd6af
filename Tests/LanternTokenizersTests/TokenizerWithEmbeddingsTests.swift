import LanternTokenizers
import TestSupport
import Testing

@Suite struct TokenizerWithEmbeddingsTests {
  private func tokenizer() throws -> (base: any Tokenizer, own: TokenizerWithEmbeddings) {
    let base = try CLIPTokenizer(folder: fixture("tiny_pipeline/tokenizer"))
    return (
      base,
      TokenizerWithEmbeddings(
        base, adding: [(["toy", "<cube>"], 3), (["toy story"], 1), (["naïve"], 2)], firstID: 1000)
    )
  }

  @Test("words stand for all of their vectors, the longest first, and not within longer words")
  func words() throws {
    let (base, own) = try tokenizer()
    let toy = [1000, 1001, 1002]
    for (text, before, ids, behind) in [
      ("a toy fox", "a ", toy, " fox"), ("TOY", "", toy, ""),
      ("a (Toy), fox", "a (", toy, "), fox"),
      ("toy toy_1 toy_2", "", toy, ""), ("a<cube>b", "a", toy, "b"), ("toy_1", "", [1001], ""),
      ("<cube>_2", "", [1002], ""), ("embedding:toy fox", "", toy, " fox"),
      ("embedding:toy.pt fox", "", toy, " fox"), ("embedding:toy.safetensors", "", toy, ""),
      ("a toy story", "a ", [1003], ""), ("NAÏVE", "", [1004, 1005], ""),
    ] {
      #expect(own.encode(text) == base.encode(before) + ids + base.encode(behind), "\(text)")
    }
    for text in ["toys", "a toyland", "ptoy", "toy_", "toy2", "embedding", ""] {
      #expect(own.encode(text) == base.encode(text), "\(text)")
    }
    #expect(own.withoutWords("a toy, <cube>") == "a  ,  ")
    #expect(own.count == 1006)
    let decoded = own.decode(base.encode("a") + toy + base.encode("fox"))
    #expect(String(decoding: decoded, as: UTF8.self) == "a toy toy_1 toy_2 fox ")
  }

  @Test("the vectors of a word stay in one chunk")
  func chunks() throws {
    let (_, own) = try tokenizer()
    // 74 tokens leave room for one more.
    let chunks = PromptChunks(String(repeating: "a ", count: 74) + "toy a", literally: false, own)
    #expect(chunks.count == 2)
    #expect(chunks.chunks[0].ids[75] == own.window.end)
    #expect(Array(chunks.chunks[1].ids[1...3]) == [1000, 1001, 1002])
  }

  @Test("a prompt's calls are known names as words and any behind embedding:")
  func calls() {
    for (prompt, names) in [
      ("a toy and a Toy Story, (embedding:other:1.2)", ["toy", "toy story", "other"]),
      ("EMBEDDING:sub/x.pt, fox", ["sub/x.pt"]), ("embedding:toy", ["toy"]),
      ("embedding: toy", ["toy"]), ("a fox", []), ("embedding:", []), ("xembedding:a", []),
    ] {
      #expect(EmbeddingCalls.names(in: prompt, known: ["toy", "toy story"]) == names, "\(prompt)")
    }
  }

  @Test("no prompt takes more than its length")
  func hostile() throws {
    let (_, own) = try tokenizer()
    expectLinear(4000, "words") { count in
      _ = own.encode(String(repeating: "toy ", count: count))
      _ = own.withoutWords(String(repeating: "embedding:", count: count))
      _ = EmbeddingCalls.names(in: String(repeating: "embedding:", count: count), known: ["toy"])
    }
  }
}
