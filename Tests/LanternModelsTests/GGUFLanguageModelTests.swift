import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Language models as llama.cpp's converter writes them, against transformers with the same weights:
/// tools/fixtures/gguf_models.py.
@Suite struct GGUFLanguageModelTests {
  @Test(
    "logits are transformers', at once and token by token",
    arguments: ["llama", "llama_biased", "qwen2", "qwen3"])
  func logits(name: String) throws {
    let described = try GGUFLanguageModel(GGUFFile(fixture("gguf_models/\(name).gguf")))
    let make = try #require(ModelCatalogue.languageModels[described.className])
    let archive = TensorArchive(files: [described.tensors])
    #expect(archive.byteCount > 30_000)
    let model = try make(described.config, Weights(archive))
    let reference = try SafetensorsFile(fixture("gguf_models/models.safetensors"))
    let ids = try #require(try reference.tensor("\(name).ids")).integers().map(Int.init)
    let wanted = try #require(try reference.tensor("\(name).logits"))
    var cache = try model.makeCache(capacity: 1)
    let all = try model.logits(model.read(ids, into: &cache)).reshaped(wanted.shape)
    let worst = try expectEqual(all, wanted, relative: 1e-4, name)
    tell(name, isFrom: "transformers", by: worst)
    cache.forget(beyond: 0)
    for (index, id) in ids.enumerated() {
      let one = try model.logits(model.read([id], into: &cache)).reshaped([1, wanted.shape[1]])
      try expectEqual(
        one, wanted.sliced(axis: 0, index..<index + 1).contiguous(), relative: 1e-4,
        "\(name) \(index)")
    }
  }

  @Test(
    "logits of Gemma's and Phi's files are transformers' of the same weights, at once and token by token",
    arguments: ["gemma2", "gemma3", "phi3", "longrope", "phi", "yarn"])
  func decoders(name: String) throws {
    let described = try GGUFLanguageModel(GGUFFile(fixture("decoders/\(name).gguf")))
    let make = try #require(ModelCatalogue.languageModels[described.className])
    #expect(described.config.notes.isEmpty)
    let model = try make(described.config, Weights(TensorArchive(files: [described.tensors])))
    #expect(described.config.notes.isEmpty)
    let one = try LanguageModelCase("decoders", name)
    var cache = try model.makeCache()
    try one.expect(model.logits(model.read(one.ids, into: &cache)), from: 0, "GGUF \(name)")
    // LongRoPE's switch of factors is apart.
    let first = name == "longrope" ? 13 : 0
    cache.forget(beyond: first)
    for index in first..<one.ids.count {
      let scores = try model.logits(model.read([one.ids[index]], into: &cache))
      try one.expect(scores, from: index, "GGUF \(name) \(index)")
    }
  }

  @Test("queries, keys and values that lie in one tensor of phi2 are three")
  func joinedProjections() throws {
    let described = try GGUFLanguageModel(
      file(pair("general.architecture", text: "phi2"), tensor: ("blk.0.attn_qkv.bias", 6)))
    let parts = ["q", "k", "v"].map { "model.layers.0.self_attn.\($0)_proj.bias" }
    #expect(described.tensors.names == parts)
    for (index, part) in parts.enumerated() {
      #expect(
        try described.tensors.tensor(part)?.floats()
          == [Float(2 * index), Float(2 * index + 1)])
    }
  }

  @Test("what changes results and is not built is refused by its key")
  func refused() throws {
    let cases = [
      ("general.architecture", "\"mamba\"", pair("general.architecture", text: "mamba")),
      ("general.architecture", "lacks", []),
      (
        "qwen2.expert_count", "qwen2.expert_count",
        pair("general.architecture", text: "qwen2") + pair("qwen2.expert_count", 8)
      ),
      (
        "llama.odd", "llama.odd",
        pair("general.architecture", text: "llama") + pair("llama.odd", 1)
      ),
      (
        "llama.rope.scaling.type", "su",
        pair("general.architecture", text: "llama") + pair("llama.rope.scaling.type", text: "su")
      ),
      (
        "llama.attention.sliding_window", "set",
        pair("general.architecture", text: "llama") + pair("llama.attention.sliding_window", 7)
      ),
      (
        "gemma3.attention.sliding_window_pattern", "no number",
        pair("general.architecture", text: "gemma3")
          + pair("gemma3.attention.sliding_window_pattern", text: "6")
      ),
      (
        "phi3.rope.dimension_count", "99",
        pair("general.architecture", text: "phi3") + pair("phi3.rope.dimension_count", 99)
          + pair("phi3.attention.key_length", 32)
      ),
      (
        "llama.rope.dimension_count", "16",
        pair("general.architecture", text: "llama") + pair("llama.rope.dimension_count", 16)
          + pair("llama.attention.key_length", 32)
      ),
    ]
    for (key, word, pairs) in cases {
      let error = try #require(throws: ModelError.self, "\(key)") {
        try GGUFLanguageModel(file(pairs))
      }
      #expect("\(error)".contains(key) && "\(error)".contains(word), "\(error)")
    }
  }

  private func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private func pair(_ key: String, text: String) -> [[UInt8]] {
    [
      little(key.utf8.count, 8) + Array(key.utf8) + little(8, 4) + little(text.utf8.count, 8)
        + Array(text.utf8)
    ]
  }

  private func pair(_ key: String, _ value: Int) -> [[UInt8]] {
    [little(key.utf8.count, 8) + Array(key.utf8) + little(4, 4) + little(value, 4)]
  }

  /// A file of these pairs, and of one tensor of f32 that holds its places.
  private func file(_ pairs: [[UInt8]], tensor: (name: String, count: Int)? = nil) throws
    -> GGUFFile
  {
    let floats = (0..<(tensor?.count ?? 0)).flatMap { little(Int(Float($0).bitPattern), 4) }
    let info =
      tensor.map { tensor in
        little(tensor.name.utf8.count, 8) + Array(tensor.name.utf8) + little(1, 4)
          + little(tensor.count, 8) + little(0, 4) + little(0, 8)
      } ?? []
    var bytes =
      Array("GGUF".utf8) + little(3, 4) + little(tensor == nil ? 0 : 1, 8) + little(pairs.count, 8)
      + pairs.joined() + info
    bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
    bytes += floats + [UInt8](repeating: 0, count: 32)
    let storage = try Storage(byteCount: bytes.count)
    UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyBytes(from: bytes)
    return try GGUFFile(storage, path: "x.gguf")
  }
}
