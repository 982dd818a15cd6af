import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Language models with experts against transformers: tools/fixtures/language_kinds.py.
@Suite struct MixtureOfExpertsTests {
  private func model(_ name: String) throws -> LanguageModelCase {
    try LanguageModelCase("language_kinds/experts", name)
  }

  @Test("blocks of a stack of experts are multiplied as they are")
  func blocks() throws {
    let file = try GGUFFile(fixture("language_kinds/mixtral.gguf"))
    let described = try GGUFLanguageModel(file)
    let make = try #require(ModelCatalogue.languageModels[described.className])
    let weights = Weights(TensorArchive(files: [described.tensors]), precision: .fast)
    let model = try make(described.config, weights)
    // A byte a weight, and scales; packed from numbers it would be two.
    let matrices = 2 * (3 * 3 * 32 * 32 + 3 * 32 * 32) + 64 * 32
    #expect(Double(weights.heldBytes) < 1.5 * Double(matrices), "\(weights.heldBytes)")
    let one = try self.model("mixtral")
    var cache = try model.makeCache()
    let found = try model.logits(model.read(one.ids, into: &cache)).floats()
    let wanted = try one.logits.floats()
    let largest = wanted.map(abs).max() ?? 0
    let worst = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst < 0.02 * largest, "\(worst) of \(largest)")
  }

  @Test(
    "windows without types of layers are every second layer's of Qwen 2, and another name of a number counts"
  )
  func otherSettings() throws {
    for (name, old, new) in [
      ("qwen2moe_windows", "num_experts", "num_local_experts"),
      ("qwen3moe", "num_local_experts", "num_experts"),
    ] {
      let one = try self.model(name)
      let model = try one.fixture.build(one.make) { config, _ in
        config["layer_types"] = nil
        config[new] = config.removeValue(forKey: old)
      }
      var cache = try model.makeCache()
      try one.expect(model.logits(model.read(one.ids, into: &cache)), from: 0, "other \(name)")
    }
  }

  @Test("of experts with equal scores a token has the first")
  func ties() throws {
    let one = try self.model("mixtral")
    func logits(of experts: Int) throws -> Tensor {
      let model = try one.fixture.build(one.make) { config, weights in
        config["num_local_experts"] = .integer(experts)
        for layer in 0..<2 {
          let path = "model.layers.\(layer).block_sparse_moe"
          let row = try #require(weights["\(path).gate.weight"]).sliced(axis: 0, 0..<1)
          weights["\(path).gate.weight"] = try Tensor.concatenated(
            Array(repeating: row, count: experts), axis: 0)
          for expert in experts..<3 {
            for name in ["w1", "w2", "w3"] {
              weights["\(path).experts.\(expert).\(name).weight"] = nil
            }
          }
        }
      }
      var cache = try model.makeCache()
      return try model.logits(model.read(one.ids, into: &cache))
    }
    try expectEqual(logits(of: 3), logits(of: 2), relative: 1e-5, "two of three, two of two")
  }

  @Test("numbers of experts that make no model are refused by one line each")
  func refusals() throws {
    let cases: [(String, String, JSONValue, String)] = [
      ("mixtral", "num_local_experts", 1_000_000, "experts"),
      ("mixtral", "num_local_experts", 0, "experts"),
      ("mixtral", "num_local_experts", -8, "experts"),
      ("mixtral", "num_local_experts", 5, "mlp.gate.weight"),
      ("mixtral", "num_local_experts", 2, "gate"),
      ("mixtral", "num_experts_per_tok", 4, "num_experts_per_tok"),
      ("mixtral", "num_experts_per_tok", 0, "num_experts_per_tok"),
      ("mixtral", "num_attention_heads", -4, "sizes must be positive"),
      ("mixtral", "intermediate_size", 0, "sizes must be positive"),
      ("qwen2moe", "moe_intermediate_size", 0, "sizes be positive"),
      ("qwen2moe", "shared_expert_intermediate_size", .integer(.max), "sizes be positive"),
      ("qwen2moe", "decoder_sparse_step", 0, "\"decoder_sparse_step\""),
      ("qwen2moe_windows", "decoder_sparse_step", .integer(.max), "mlp.up_proj"),
      ("qwen3moe", "num_experts", .integer(.max), "experts"),
      ("qwen3moe", "mlp_only_layers", ["x"], "\"mlp_only_layers\""),
    ]
    for (name, key, value, words) in cases { try model(name).expectRefusal(key, value, words) }
    let one = try self.model("mixtral_stacked")
    let complaint = try one.fixture.complaintOfWeights(one.make) { weights in
      let key = "model.layers.1.mlp.experts.gate_up_proj"
      weights[key] = try #require(weights[key]).sliced(axis: 1, 0..<30).contiguous()
    }
    #expect(complaint.contains("experts") && complaint.contains("[15, 32]"), "\(complaint)")
  }
}
