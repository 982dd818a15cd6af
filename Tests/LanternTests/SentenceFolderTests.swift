import Foundation
import Lantern
import LanternFormats
import LanternPlatform
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

  private func expect(_ found: [TextVector], _ key: String, rows: Int? = nil) throws {
    let all = try #require(try reference.tensor(key))
    let wanted = try all.sliced(axis: 0, 0..<(rows ?? all.shape[0])).contiguous()
    let rows = try Tensor(found.flatMap(\.values), shape: wanted.shape)
    let worst = try expectEqual(rows, wanted, relative: 1e-4, key)
    tell(key, isFrom: "sentence-transformers", by: worst)
  }

  @Test(
    "vectors are sentence-transformers', with each prompt",
    arguments: [
      ("bert", ["query"]), ("roberta", ["document"]), ("qwen3", ["query"]),
      ("nomic", ["search_query"]), ("gemma", ["query", "document"]),
    ])
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

  @Test(
    "GGUF files of encoders, of tools/fixtures/gguf_sentences.py, make the vectors of their folders",
    arguments: ["bert", "nomic", "gemma"])
  func ggufFiles(name: String) throws {
    let path = fixture("gguf_sentences/\(name).gguf")
    let embedder = try TextEmbedder(path: path, precision: .exact)
    #expect(embedder.notes.isEmpty && embedder.features == 24, "\(embedder.notes)")
    // A file says nothing of the length at which bert's folder cuts texts.
    let count = name == "bert" ? 4 : 5
    let wanted = try #require(try reference.tensor(name)).sliced(axis: 0, 0..<count).contiguous()
    let found = try embedder.vectors(of: Array(texts.prefix(count))).flatMap(\.values)
    let worst = try expectEqual(
      Tensor(found, shape: wanted.shape), wanted, relative: 1e-4, "\(name).gguf")
    tell("\(name).gguf", isFrom: "sentence-transformers", by: worst)
    // One with blocks of integers is near.
    try withTemporaryFolder { folder in
      let small = "\(folder)/small.gguf"
      try LanguageConversion(of: path, to: small, as: GGMLType.named("F16")).write(replacing: false)
      let vector = try TextEmbedder(path: small, precision: .exact).vector(of: texts[1])
      let first = try embedder.vector(of: texts[1])
      #expect(TextEmbedder.cosine(vector, first) > 0.9999)
    }
  }

  private func tokens(of file: GGUFFile) throws -> [String] {
    var tokens: [String] = []
    file.values["tokenizer.ggml.tokens"]?.array?.forEachString { _, bytes in
      tokens.append(String(decoding: bytes, as: UTF8.self))
    }
    return tokens
  }

  @Test(
    "a folder of BERT's written as a GGUF file makes the same vectors, and what it cannot say is refused"
  )
  func bertAsFile() throws {
    try withTemporaryFolder { folder in
      let (source, path) = (fixture("sentence_folders/bert"), "\(folder)/bert.gguf")
      let conversion = try LanguageConversion(of: source, to: path)
      #expect(conversion.notes.allSatisfy { $0.contains("pooler") }, "\(conversion.notes)")
      try conversion.write(replacing: false)
      let (embedder, file) = (try TextEmbedder(path: path, precision: .exact), try GGUFFile(path))
      #expect(embedder.notes.isEmpty && file.values["bert.pooling_type"]?.integer == 1)
      #expect(file.info("token_types.weight")?.dtype == "F32")
      try expect(
        embedder.vectors(of: Array(texts.prefix(4))), "bert", rows: 4)
      // The same keys and tokens as llama.cpp's converter has.
      let other = try GGUFFile(fixture("gguf_sentences/bert.gguf"))
      #expect(Set(file.names) == Set(other.names))
      for (key, value) in other.values where value.array == nil {
        #expect("\(file.values[key] ?? .bool(true))" == "\(value)", "\(key)")
      }
      #expect(try tokens(of: file) == tokens(of: other))
      let changes: [(file: String, from: String, to: String, words: String)] = [
        ("config.json", "\"gelu\"", "\"relu\"", "activation"),
        ("1_Pooling/config.json", "mean_tokens", "max_tokens", "pooled by max"),
        ("tokenizer.json", "\"clean_text\": true", "\"clean_text\": false", "not BERT's"),
      ]
      for (name, from, to, words) in changes {
        let model = "\(folder)/\(words)"
        try FileManager.default.copyItem(atPath: source, toPath: model)
        let old = try String(contentsOfFile: "\(model)/\(name)", encoding: .utf8)
        let new = old.replacingOccurrences(of: from, with: to)
        #expect(new != old, "\(name)")
        try AtomicFile.write(Array(new.utf8), to: "\(model)/\(name)")
        let error = #expect(throws: (any Error).self) {
          try LanguageConversion(of: model, to: "\(folder)/x.gguf")
        }
        #expect(
          error.map { "\($0)".contains(words) } == true, "\(words): \(String(describing: error))")
      }
    }
  }

  @Test("files of encoders write no text, and those of an unknown frame of texts are refused")
  func ggufRefusals() throws {
    let path = fixture("gguf_sentences/bert.gguf")
    let error = #expect(throws: RequestError.self) { try LanguageGenerator(path: path) }
    #expect(error.map { "\($0)".contains("BertModel") } == true)
    try withTemporaryFolder { folder in
      for (from, to, words) in [
        ("tokenizer.ggml.model", "tokenizer.ggml.mode_", "tokenizer.ggml.model"),
        (
          "nomic-bert.attention.causal\u{7}\u{0}\u{0}\u{0}\u{0}",
          "nomic-bert.attention.causal\u{7}\u{0}\u{0}\u{0}\u{1}", "attention.causal"
        ),
      ] {
        var bytes = try FileSystem.read(fixture("gguf_sentences/nomic.gguf"), limit: 1 << 20)
        let place = try #require(bytes.firstRange(of: Array(from.utf8)))
        bytes.replaceSubrange(place, with: Array(to.utf8))
        try AtomicFile.write(bytes, to: "\(folder)/x.gguf")
        let error = #expect(throws: (any Error).self) { try TextEmbedder(path: "\(folder)/x.gguf") }
        #expect(error.map { "\($0)".contains(words) } == true, "\(words)")
      }
    }
  }

  @Test("settings of Nomic's own code are those of transformers' class, and others are refused")
  func nomicCode() throws {
    try withTemporaryFolder { folder in
      let model = "\(folder)/model"
      try FileManager.default.copyItem(atPath: fixture("sentence_folders/nomic"), toPath: model)
      let own: [String: JSONValue] = [
        "architectures": .array(["NomicBertModel"]), "n_embd": .integer(24),
        "n_inner": .integer(28),
        "n_layer": .integer(2), "n_head": .integer(2), "n_positions": .integer(64),
        "layer_norm_epsilon": .number(1e-12), "type_vocab_size": .integer(2),
        "vocab_size": .integer(88), "rotary_emb_base": .integer(1000),
        "rotary_emb_fraction": .number(1), "rotary_emb_interleaved": false,
        "rotary_emb_scale_base": .null, "rotary_scaling_factor": .null,
        "activation_function": "swiglu", "prenorm": false, "qkv_proj_bias": false,
        "mlp_fc1_bias": false, "mlp_fc2_bias": false, "use_flash_attn": true, "causal": false,
      ]
      func write(_ changes: [String: JSONValue]) throws {
        let config = own.merging(changes) { $1 }
        try AtomicFile.write(Array(JSON.write(.object(config)).utf8), to: "\(model)/config.json")
      }
      try write([:])
      let embedder = try TextEmbedder(path: model, precision: .exact)
      #expect(embedder.notes.isEmpty, "\(embedder.notes)")
      try expect(embedder.vectors(of: texts), "nomic")
      for (key, value, words) in [
        ("prenorm", true, "prenorm"), ("qkv_proj_bias", true, "qkv_proj_bias"),
        ("activation_function", "gelu", "activation_function"),
        ("n_head", .integer(5), "must divide"),
        ("num_experts", .integer(8), "num_experts"),
        ("rotary_scaling_factor", .number(2), "scaling"),
        ("n_embd", .integer(.max), "sizes"),
      ] as [(String, JSONValue, String)] {
        try write([key: value])
        let error = #expect(throws: (any Error).self) { try TextEmbedder(path: model) }
        #expect(
          error.map { "\($0)".contains(words) } == true, "\(key): \(String(describing: error))")
      }
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
