import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Gemma's and Phi's decoders against transformers: tools/fixtures/decoders.py.
@Suite struct DecoderTests {
  private func model(_ name: String) throws -> LanguageModelCase {
    try LanguageModelCase("decoders", name)
  }

  @Test(
    "logits are transformers', of a text longer than windows at once, token by token and in pieces",
    arguments: ["gemma2", "gemma3", "gemma3_biased", "phi3", "phi", "phi_normed", "yarn"])
  func logits(name: String) throws { try model(name).expectWholeAndCached(name) }

  @Test("LongRoPE turns texts up to its length by one list of factors, longer ones by another")
  func longrope() throws {
    let one = try self.model("longrope")
    let model = try one.model()
    #expect(model.switchLength == 12)
    let short = try one.fixture.rows("short_logits")
    var cache = try model.makeCache()
    try one.expect(
      model.logits(model.read(Array(one.ids[..<12]), into: &cache)), from: 0, of: short, "short")
    cache.forget(beyond: 0)
    for index in 0..<12 {
      let scores = try model.logits(model.read([one.ids[index]], into: &cache))
      try one.expect(scores, from: index, of: short, "short \(index)")
    }
    cache.forget(beyond: 0)
    try one.expect(model.logits(model.read(one.ids, into: &cache)), from: 0, "long")
    // Over the border what was read before is read again.
    for (past, count) in [(12, 1), (5, 9), (12, 18)] {
      cache.forget(beyond: 0)
      _ = try model.read(Array(one.ids[..<past]), after: [], into: &cache)
      let hidden = try model.read(
        Array(one.ids[past..<past + count]), after: Array(one.ids[..<past]), into: &cache)
      #expect(cache.count == past + count)
      try one.expect(model.logits(hidden), from: past, "over \(past)")
    }
    // What was cached beyond the length stays.
    cache.forget(beyond: 13)
    for index in 13..<one.ids.count {
      let scores = try model.logits(model.read([one.ids[index]], into: &cache))
      try one.expect(scores, from: index, "long \(index)")
    }
  }

  @Test("settings that older versions of transformers wrote mean the same")
  func olderSettings() throws {
    let changes: [String: (inout [String: JSONValue], [String: JSONValue]) -> Void] = [
      "gemma3": { config, _ in
        (config["rope_theta"], config["rope_local_base_freq"]) = (1000.0, 50.0)
        config["rope_scaling"] = .object(["type": "linear", "factor": 4.0])
        config["layer_types"] = nil
        config["sliding_window_pattern"] = 3
      },
      "gemma2": { config, _ in
        (config["rope_theta"], config["layer_types"]) = (500.0, nil)
        (config["hidden_act"], config["cache_implementation"]) = ("gelu", "hybrid")
      },
      "longrope": { config, rope in
        (config["rope_theta"], config["partial_rotary_factor"]) = (1000.0, 0.75)
        config["rope_scaling"] = .object([
          "type": "su", "short_factor": rope["short_factor"] ?? .null,
          "long_factor": rope["long_factor"] ?? .null,
        ])
      },
      "phi": { config, _ in
        (config["rope_theta"], config["partial_rotary_factor"]) = (500.0, 0.5)
        config["rope_scaling"] = .null
      },
    ]
    for (name, change) in changes {
      let one = try self.model(name)
      let model = try one.fixture.build(one.make) { config, _ in
        let rope = try #require(config.removeValue(forKey: "rope_parameters")?.object)
        change(&config, rope)
      }
      var cache = try model.makeCache()
      try one.expect(model.logits(model.read(one.ids, into: &cache)), from: 0, "older \(name)")
    }
  }

  @Test("settings that are not here are refused by name")
  func refusals() throws {
    let factors: JSONValue = [1.0, 2.0, 3.0]
    let cases: [(String, String, JSONValue, String)] = [
      ("gemma3", "attn_logit_softcapping", 50.0, "\"attn_logit_softcapping\""),
      ("gemma3", "use_bidirectional_attention", true, "\"use_bidirectional_attention\""),
      ("gemma3", "rope_parameters", .object(["rope_theta": 5.0]), "\"rope_theta\""),
      (
        "gemma3", "rope_parameters",
        .object(["full_attention": .object(["rope_type": "axial"])]), "is axial"
      ),
      ("gemma2", "hidden_activation", "mish", "\"hidden_activation\" is mish"),
      ("gemma2", "query_pre_attn_scalar", 0, "\"query_pre_attn_scalar\""),
      ("gemma2", "final_logit_softcapping", -1.0, "\"final_logit_softcapping\""),
      ("gemma2", "sliding_window", .null, "sliding_attention"),
      ("longrope", "original_max_position_embeddings", 1, "\"original_max_position_embeddings\""),
      (
        "longrope", "rope_parameters",
        .object(["rope_type": "longrope", "short_factor": factors, "long_factor": factors]),
        "\"short_factor\" is of 3 numbers"
      ),
      ("longrope", "rope_parameters", .object(["rope_type": "linear"]), "\"factor\""),
      ("longrope", "head_dim", 4_611_686_018_427_387_904, "head_dim"),
      ("phi", "tie_word_embeddings", true, "\"tie_word_embeddings\""),
      ("phi", "num_key_value_heads", 2, "\"num_key_value_heads\""),
    ]
    for (name, key, value, words) in cases { try model(name).expectRefusal(key, value, words) }
  }

  @Test("a joined matrix of another number of rows is refused by its name and shape")
  func joined() throws {
    let one = try self.model("phi3")
    for name in ["self_attn.qkv_proj", "mlp.gate_up_proj"] {
      let key = "model.layers.0.\(name).weight"
      let complaint = try one.fixture.complaintOfWeights(one.make) { weights in
        weights[key] = try #require(weights[key]).sliced(axis: 0, 0..<40).contiguous()
      }
      #expect(complaint.contains(key) && complaint.contains("[40, 32]"), "\(complaint)")
    }
  }
}
