import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Llama and its kin against transformers: tools/fixtures/llama.py.
@Suite struct LlamaModelTests {
  private static let cases = [
    "llama", "llama3", "linear", "dynamic", "mistral", "qwen2", "qwen3", "types",
  ]

  private func model(_ name: String) throws -> LanguageModelCase {
    try LanguageModelCase("llama", name)
  }

  @Test("scores of a text read at once are transformers'", arguments: cases)
  func atOnce(name: String) throws {
    let one = try self.model(name)
    let model = try one.model()
    var cache = try model.makeCache()
    let scores = try model.logits(model.read(one.ids, into: &cache))
    #expect(scores.shape == [1, one.ids.count, 48] && cache.count == one.ids.count)
    try one.expect(scores, from: 0, name)
  }

  // As transformers have it, frequencies that depend on the length turn a token's keys by what was read then.
  @Test(
    "scores are the same token by token, with a cache that begins with room for one",
    arguments: cases.filter { $0 != "dynamic" })
  func oneByOne(name: String) throws {
    let one = try self.model(name)
    let model = try one.model()
    var cache = try model.makeCache(capacity: 1)
    for (index, id) in one.ids.enumerated() {
      try one.expect(
        model.logits(model.read([id], into: &cache)), from: index, "\(name) \(index)")
    }
  }

  @Test(
    "scores are the same in pieces, after others that were not kept or were forgotten",
    arguments: cases.filter { $0 != "dynamic" })
  func pieces(name: String) throws {
    let one = try self.model(name)
    let model = try one.model()
    var cache = try model.makeCache(capacity: 3)
    let strange = Array(one.ids.reversed())
    _ = try model.read(strange, into: &cache)
    cache.forget(beyond: 0)
    var first = 0
    for count in [5, 1, 11, 2, 11] {
      _ = try model.read(Array(strange.prefix(7)), into: &cache, mask: .causal, keeping: false)
      let scores = try model.logits(
        model.read(Array(one.ids[first..<first + count]), into: &cache))
      try one.expect(scores, from: first, "\(name) from \(first)")
      first += count
    }
    #expect(first == one.ids.count && cache.count == first)
    cache.forget(beyond: 9)
    let scores = try model.logits(model.read(Array(one.ids[9...]), into: &cache))
    try one.expect(scores, from: 9, "\(name) again")
  }

  @Test("settings that older versions of transformers wrote mean the same")
  func olderSettings() throws {
    for (name, kind) in [("llama3", "rope_type"), ("linear", "type"), ("qwen3", "type")] {
      let one = try self.model(name)
      let model = try one.fixture.build(one.make) { config, _ in
        var rope = try #require(config.removeValue(forKey: "rope_parameters")?.object)
        config["rope_theta"] = rope.removeValue(forKey: "rope_theta")
        let type = rope.removeValue(forKey: "rope_type")
        rope[kind] = type
        config["rope_scaling"] = .object(rope)
        config["head_dim"] = name == "linear" ? .null : config["head_dim"]
        config["num_key_value_heads"] = name == "linear" ? .null : config["num_key_value_heads"]
      }
      var cache = try model.makeCache()
      try one.expect(model.logits(model.read(one.ids, into: &cache)), from: 0, name)
    }
  }

  @Test("settings that are not here are refused by name")
  func refusals() throws {
    let rope: (String, [String: JSONValue]) -> JSONValue = { kind, others in
      .object(others.merging(["rope_type": .string(kind), "rope_theta": 100.0]) { $1 })
    }
    let cases: [(String, String, JSONValue, String)] = [
      ("llama", "hidden_act", "mish", "\"hidden_act\" is mish"),
      ("llama", "rope_parameters", rope("proportional", [:]), "\"rope_type\" is proportional"),
      ("llama", "rope_parameters", rope("default", ["odd": 1]), "\"odd\""),
      ("llama", "rope_parameters", rope("linear", [:]), "\"factor\""),
      ("llama", "rope_parameters", rope("linear", ["factor": 0.0]), "\"factor\""),
      (
        "llama", "rope_parameters", rope("default", ["partial_rotary_factor": 0.5]),
        "\"partial_rotary_factor\""
      ),
      ("llama", "num_key_value_heads", 3, "num_key_value_heads"),
      ("llama", "head_dim", 7, "head_dim"),
      ("types", "layer_types", ["full_attention", "chunked_attention"], "chunked_attention"),
      ("types", "layer_types", ["full_attention"], "\"layer_types\""),
      ("types", "use_sliding_window", false, "\"layer_types\""),
      ("mistral", "sliding_window", 0, "\"sliding_window\""),
    ]
    for (name, key, value, words) in cases { try model(name).expectRefusal(key, value, words) }
  }

  @Test(
    "what a cache keeps is rounded by its type, and is the same for tokens one by one",
    arguments: [(KVCacheType.f32, 0), (.f16, 2e-3), (.int8, 3e-2)] as [(KVCacheType, Double)])
  func cacheTypes(type: KVCacheType, tolerance: Double) throws {
    for name in ["llama", "mistral", "qwen3"] {
      let one = try self.model(name)
      let model = try one.model()
      func logits(as type: KVCacheType, step: Int) throws -> [Float] {
        var cache = try model.makeCache(capacity: 1, as: type)
        var all: [Float] = []
        for first in stride(from: 0, to: one.ids.count, by: step) {
          let part = Array(one.ids[first..<min(one.ids.count, first + step)])
          all += try model.logits(model.read(part, into: &cache)).floats()
        }
        return all
      }
      let (exact, found) = (
        try logits(as: .f32, step: one.ids.count), try logits(as: type, step: one.ids.count)
      )
      let largest = Double(exact.map(abs).max() ?? 0)
      func difference(_ a: [Float], _ b: [Float]) -> Double {
        Double(zip(a, b).map { abs($0 - $1) }.max() ?? .infinity) / largest
      }
      #expect(difference(exact, found) <= tolerance, "\(name)")
      #expect((difference(exact, found) > tolerance / 100) == (type != .f32), "\(name)")
      // Sums in another order are rounded to the other side here and there.
      #expect(
        difference(try logits(as: type, step: 1), found) < max(1e-5, tolerance / 4), "\(name)")
    }
  }

  @Test("a missing tensor, one too many, and a head beside tied embeddings")
  func weights() throws {
    let plain = try self.model("llama")
    let missing = try plain.fixture.complaintOfWeights(plain.make) { weights in
      weights["model.layers.1.mlp.up_proj.weight"] = nil
    }
    #expect(missing.contains("model.layers.1.mlp.up_proj.weight"))
    let extra = try plain.fixture.complaintOfWeights(plain.make) { weights in
      weights["model.layers.1.self_attn.q_norm.weight"] = weights["model.norm.weight"]
    }
    #expect(extra.contains("model.layers.1.self_attn.q_norm.weight"))
    let tied = try self.model("qwen2")
    let model = try tied.fixture.build(tied.make) { _, weights in
      weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    }
    var cache = try model.makeCache()
    try tied.expect(model.logits(model.read(tied.ids, into: &cache)), from: 0, "tied")
  }

  @Test("tokens that see each other both ways see past windows too")
  func bothWays() throws {
    let one = try self.model("mistral")
    let model = try one.model()
    func first(_ ids: [Int]) throws -> [Float] {
      var cache = try model.makeCache()
      let hidden = try model.read(ids, into: &cache, mask: .none, keeping: true)
      return try hidden.sliced(axis: 1, 0..<1).floats()
    }
    var others = one.ids
    others[others.count - 1] = (others[others.count - 1] + 1) % 48
    #expect(try first(one.ids) != first(others))
  }
}
