import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Folders of sentence-transformers against its own vectors: tools/fixtures/sentence_folders.py.
@Suite struct SentenceFolderTests {
  private let reference: SafetensorsFile
  private let texts: [String]

  init() throws {
    reference = try SafetensorsFile(fixture("sentence_folders/vectors.safetensors"))
    let list = Array(try #require(reference.metadata["texts"]).utf8)
    texts =
      try list.withUnsafeBytes { try JSON.parse($0, file: "texts") }.array?.compactMap(\.string)
      ?? []
  }

  private func embedder(_ name: String) throws -> TextEmbedder {
    try TextEmbedder(path: fixture("sentence_folders/\(name)"), precision: .exact)
  }

  private func expect(_ found: [TextVector], _ key: String) throws {
    let wanted = try #require(try reference.tensor(key))
    let rows = try Tensor(found.flatMap(\.values), shape: wanted.shape)
    let worst = try expectEqual(rows, wanted, relative: 1e-4, key)
    tell(key, isFrom: "sentence-transformers", by: worst)
  }

  @Test(
    "vectors are sentence-transformers', with each prompt",
    arguments: [("bert", ["query"]), ("roberta", ["document"]), ("qwen3", ["query"])])
  func vectors(name: String, prompts: [String]) throws {
    let embedder = try embedder(name)
    #expect(texts.count == 5 && embedder.notes.isEmpty, "\(embedder.notes)")
    #expect(embedder.features == (name == "roberta" ? 10 : 24))
    let isNormalized = name == "roberta" ? false : nil
    try expect(embedder.vectors(of: texts, isNormalized: isNormalized), name)
    for prompt in prompts {
      try expect(
        embedder.vectors(of: texts, prompt: prompt, isNormalized: isNormalized), "\(name).\(prompt)"
      )
    }
  }

  @Test("a text's vector is the same to the bit alone and among others, cut or not")
  func alone() throws {
    let embedder = try embedder("bert")
    #expect(embedder.maximumLength == 12)
    let together = try embedder.vectors(of: texts)
    #expect(together.map(\.cut).map { $0 > 0 } == [false, false, false, false, true])
    #expect(together[4].tokens == 12)
    for (text, wanted) in zip(texts, together) {
      let alone = try embedder.vector(of: text)
      #expect(zip(alone, wanted.values).allSatisfy { abs($0 - $1) < 1e-6 }, "\(text)")
    }
    let raw = try embedder.vector(of: texts[0], isNormalized: false)
    #expect(abs(raw.reduce(0) { $0 + $1 * $1 } - 1) > 0.1)
    #expect(abs(TextEmbedder.cosine(raw, together[0].values) - 1) < 1e-6)
    #expect(try embedder.vectors(of: []).isEmpty)
  }

  @Test(
    "prompts are named, the default one is used unless another is, and an unknown one is refused")
  func prompts() throws {
    let (bert, roberta) = (try embedder("bert"), try embedder("roberta"))
    #expect(bert.prompts == ["query": "query: ", "passage": ""] && bert.defaultPrompt == nil)
    #expect(roberta.defaultPrompt == "document")
    let none = try roberta.vector(of: "x", prompt: "")
    #expect(try roberta.vector(of: "x", prompt: "document") == roberta.vector(of: "x"))
    #expect(try roberta.vector(of: "x") != none)
    let error = #expect(throws: RequestError.self) { try bert.vector(of: "x", prompt: "question") }
    #expect(error.map { "\($0)".contains("\"query\"") } == true)
  }

  @Test("what people type is no special token")
  func typed() throws {
    let embedder = try embedder("bert")
    #expect(try embedder.vectors(of: ["[SEP]"])[0].tokens > 3)
    #expect(try embedder.vector(of: "[CLS]") != embedder.vector(of: ""))
    #expect(try embedder.vectors(of: [""])[0].tokens == 2)
    // A pair has segments of its own.
    let pair = try embedder.vectors(ofPairs: [("the", "fox")])[0]
    let one = try embedder.vector(of: "the fox")
    #expect(pair.tokens == 5 && pair.values != one)
  }

  @Test(
    "modules and settings that are not here are refused by name, and no path leads out of the folder"
  )
  func refusals() throws {
    let cases: [(file: String, from: String, to: String, words: String)] = [
      ("modules.json", "models.Dense", "models.CNN", "CNN"),
      ("modules.json", "1_Pooling", "../x", "../x"),
      ("modules.json", "models.Transformer", "models.Pooling", "Pooling"),
      ("1_Pooling/config.json", "\"cls\"", "\"strange\"", "strange"),
      ("1_Pooling/config.json", "false", "7", "include_prompt"),
      ("2_Dense/config.json", "Tanh", "Mish", "Mish"),
      ("2_Dense/config.json", "144", "143", "[10, 144]"),
      ("2_Dense/config.json", "144", "-1", "positive"),
      ("2_Dense/config.json", "144", "4611686018427387904", "positive"),
      ("sentence_bert_config.json", "40", "-1", "max_seq_length"),
      ("sentence_bert_config.json", "40", "\"x\"", "max_seq_length"),
      ("config.json", "\"vocab_size\": 262", "\"vocab_size\": 9", "[262, 24]"),
    ]
    for (file, from, to, words) in cases {
      try withTemporaryFolder { folder in
        let model = "\(folder)/model"
        try FileManager.default.copyItem(
          atPath: fixture("sentence_folders/roberta"), toPath: model)
        let path = "\(model)/\(file)"
        let old = try String(contentsOfFile: path, encoding: .utf8)
        let new = old.replacingOccurrences(of: from, with: to)
        #expect(new != old || file == "modules.json", "\(file) \(from)")
        try AtomicFile.write(Array(new.utf8), to: path)
        guard new != old else { return }
        do {
          _ = try TextEmbedder(path: model)
          Issue.record("\(file) \(to) was read")
        } catch {
          #expect("\(error)".contains(words), "\(file) \(to): \(error)")
        }
      }
    }
  }
}
