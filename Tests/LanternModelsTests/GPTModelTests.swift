import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// GPT and its kin against transformers: tools/fixtures/language_kinds.py.
@Suite struct GPTModelTests {
  private func model(_ name: String) throws -> LanguageModelCase {
    try LanguageModelCase("language_kinds/gpt", name)
  }

  @Test("settings under the names of transformers' other classes mean the same")
  func otherNames() throws {
    let changes: [String: (inout [String: JSONValue]) -> Void] = [
      "gpt2": { config in
        for (own, other) in [
          ("n_embd", "hidden_size"), ("n_head", "num_attention_heads"),
          ("n_layer", "num_hidden_layers"), ("n_positions", "max_position_embeddings"),
        ] {
          config[other] = config.removeValue(forKey: own)
        }
      },
      "gptneox": { config in
        config["rope_parameters"] = nil
        (config["rotary_pct"], config["rotary_emb_base"]) = (0.5, 500)
      },
      "falcon": { config in
        config["rope_parameters"] = nil
        config["rope_theta"] = 500.0
        config["n_embed"] = config.removeValue(forKey: "hidden_size")
      },
    ]
    for (name, change) in changes {
      let one = try self.model(name)
      let model = try one.fixture.build(one.make) { config, _ in change(&config) }
      var cache = try model.makeCache()
      try one.expect(model.logits(model.read(one.ids, into: &cache)), from: 0, "other \(name)")
    }
  }

  @Test("tokens beyond the table of positions are refused")
  func beyondPositions() throws {
    for name in ["gpt2", "opt"] {
      let model = try self.model(name).model()
      var cache = try model.makeCache()
      _ = try model.read(Array(repeating: 1, count: 64), into: &cache)
      #expect(throws: TensorError.self, "\(name)") { try model.read([1], into: &cache) }
    }
  }

  @Test("settings that are not here, and sizes that make no model, are refused by name")
  func refusals() throws {
    let cases: [(String, String, JSONValue, String)] = [
      ("gpt2", "n_head", -3, "sizes must be positive"), ("gpt2", "n_head", 5, "divide"),
      ("gpt2", "n_embd", 0, "sizes must be positive"),
      ("gpt2", "n_embd", .integer(.max), "sizes must be positive"),
      ("gpt2", "n_layer", 1_000_000, "sizes must be positive"),
      ("gpt2", "n_inner", -1, "sizes must be positive"),
      ("gpt2", "n_positions", 0, "sizes must be positive"),
      ("gpt2", "add_cross_attention", true, "\"add_cross_attention\""),
      ("gpt2", "activation_function", "mish", "\"activation_function\" is mish"),
      ("opt", "num_attention_heads", 0, "sizes must be positive"),
      ("opt_narrow", "word_embed_proj_dim", -16, "sizes must be positive"),
      ("opt_narrow", "word_embed_proj_dim", 8, "embed_tokens"),
      ("opt", "ffn_dim", .integer(.min), "sizes must be positive"),
      ("gptneox", "num_attention_heads", -1, "sizes must be positive"),
      (
        "gptneox", "rope_parameters",
        .object(["rope_type": "default", "partial_rotary_factor": 3]),
        "\"partial_rotary_factor\""
      ),
      ("gptj", "rotary_dim", 5, "\"rotary_dim\""), ("gptj", "rotary_dim", 10, "\"rotary_dim\""),
      ("gptj", "rotary_dim", -2, "\"rotary_dim\""), ("gptj", "rotary_dim", .null, "\"rotary_dim\""),
      ("gptj", "tie_word_embeddings", true, "\"tie_word_embeddings\""),
      ("falcon", "alibi", true, "\"alibi\""),
      ("falcon_grouped", "num_kv_heads", 3, "must divide"),
      ("falcon_grouped", "num_kv_heads", 0, "sizes must be positive"),
      ("falcon_grouped", "parallel_attn", false, "\"parallel_attn\""),
      ("falcon", "num_ln_in_parallel_attn", 2, "\"num_ln_in_parallel_attn\""),
    ]
    for (name, key, value, words) in cases { try model(name).expectRefusal(key, value, words) }
  }

  @Test(
    "a joined matrix of another number of rows, one tensor too many and one too few are refused by name"
  )
  func weights() throws {
    for (name, key) in [
      ("gpt2", "transformer.h.0.attn.c_attn.bias"),
      ("gptneox", "gpt_neox.layers.1.attention.query_key_value.weight"),
      ("falcon", "transformer.h.1.self_attention.query_key_value.weight"),
    ] {
      let one = try self.model(name)
      let complaint = try one.fixture.complaintOfWeights(one.make) { weights in
        let whole = try #require(weights[key])
        weights[key] = try whole.sliced(axis: 0, 0..<whole.shape[0] - 3).contiguous()
      }
      #expect(complaint.contains(key), "\(complaint)")
    }
    let one = try self.model("opt")
    let extra = try one.fixture.complaintOfWeights(one.make) { weights in
      weights["model.decoder.project_in.weight"] = weights["model.decoder.embed_tokens.weight"]
    }
    #expect(extra.contains("project_in.weight"), "\(extra)")
    let missing = try one.fixture.complaintOfWeights(one.make) { weights in
      weights["model.decoder.layers.1.fc2.bias"] = nil
    }
    #expect(missing.contains("layers.1.mlp.fc2.bias"), "\(missing)")
  }
}
