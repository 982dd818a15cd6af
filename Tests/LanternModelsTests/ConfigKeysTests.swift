import LanternFormats
import LanternModels
import TestSupport
import Testing

/// The settings that classes of diffusers and transformers have: tools/fixtures/config_keys.py.
@Suite struct ConfigKeysTests {
  private static let readers: [String: @Sendable (Config) throws -> Void] = [
    "UNet2DConditionModel": { _ = try UNet2DConditionConfig($0) },
    "AutoencoderKL": { _ = try AutoencoderKLConfig($0) },
    "AutoencoderTiny": { _ = try AutoencoderTinyConfig($0) },
    "VQModel": { _ = try VQModelConfig($0) },
    "CLIPTextModel": { _ = try CLIPTextConfig($0) },
    "PhiForCausalLM": { _ = try GPTConfig($0, of: .phi) },
    "FalconForCausalLM": { _ = try GPTConfig($0, of: .falcon) },
    "GPT2LMHeadModel": { _ = try GPTConfig($0, of: .gpt2) },
    "GPTJForCausalLM": { _ = try GPTConfig($0, of: .gptJ) },
    "GPTNeoXForCausalLM": { _ = try GPTConfig($0, of: .gptNeoX) },
    "OPTForCausalLM": { _ = try GPTConfig($0, of: .opt) },
    "Glm4ForCausalLM": { _ = try LlamaConfig($0, of: .glm4) },
    "GlmForCausalLM": { _ = try LlamaConfig($0, of: .glm) },
    "MixtralForCausalLM": { _ = try LlamaConfig($0, of: .mixtral) },
    "Qwen2MoeForCausalLM": { _ = try LlamaConfig($0, of: .qwen2Moe) },
    "Qwen3MoeForCausalLM": { _ = try LlamaConfig($0, of: .qwen3Moe) },
    "BertModel": { _ = try BertConfig($0, of: .bert) },
    "DPRContextEncoder": { _ = try BertConfig($0, of: .bert) },
    "DistilBertModel": { _ = try BertConfig($0, of: .distilbert) },
    "MPNetModel": { _ = try BertConfig($0, of: .mpnet) },
    "RobertaModel": { _ = try BertConfig($0, of: .roberta) },
    "T5EncoderModel": { _ = try T5Config($0) },
    "UMT5EncoderModel": { _ = try T5Config($0, hasBiases: true) },
    "XLMRobertaModel": { _ = try BertConfig($0, of: .roberta) },
    "Gemma2ForCausalLM": { _ = try LlamaConfig($0, of: .gemma2) },
    "Gemma3ForCausalLM": { _ = try LlamaConfig($0, of: .gemma3) },
    "Phi3ForCausalLM": { _ = try LlamaConfig($0, of: .phi3) },
    "LlamaForCausalLM": { _ = try LlamaConfig($0, of: .llama) },
    "MistralForCausalLM": { _ = try LlamaConfig($0, of: .mistral) },
    "Qwen2ForCausalLM": { _ = try LlamaConfig($0, of: .qwen2) },
    "Qwen3ForCausalLM": { _ = try LlamaConfig($0, of: .qwen3) },
  ]

  private func members(_ name: String) throws -> [String: JSONValue] {
    try #require(try JSON.read(fixture("config_keys.json")).object?[name]?.object)
  }

  @Test(
    "no setting that a class has counts as one that it has not", arguments: readers.keys.sorted())
  func known(name: String) throws {
    let read = try #require(Self.readers[name])
    let members = try members(name)
    #expect(members.count >= 15)
    let all = Config(members, file: "config.json")
    try read(all)
    #expect(all.notes.isEmpty)
    for key in members.keys where members[key] == .null {
      // Refused, or read: never passed over.
      let config = Config([key: .string("strange")], file: "config.json")
      _ = try? read(config)
      #expect(config.notes.isEmpty, "\(key)")
    }
  }

  @Test(
    "a setting of any value is read or refused, and nothing traps", arguments: readers.keys.sorted()
  )
  func strange(name: String) throws {
    let read = try #require(Self.readers[name])
    let members = try members(name)
    let values: [JSONValue] = [
      .null, true, 0, -1, 3, .integer(.max), .integer(.min), 1e300, -0.5, "", "yarn", [], ["x", 7],
      .object([:]),
      .object([
        "rope_type": "longrope", "factor": 1e300, "short_factor": [1e-300], "long_factor": [0],
        "original_max_position_embeddings": 1,
      ]),
      .object(["full_attention": .object(["rope_type": "yarn", "factor": 1e-300]), "x": 7]),
    ]
    var refused = 0
    for key in members.keys {
      for value in values {
        let config = Config(members.merging([key: value]) { $1 }, file: "config.json")
        do { try read(config) } catch { refused += 1 }
      }
    }
    #expect(refused > members.count)
  }

  @Test("what a class does not have is noted, and text settings may stand for one side of two")
  func unknown() throws {
    for (name, read) in Self.readers {
      let members = try members(name).merging(["decay": .number(0.9), "power": .integer(1)]) { $1 }
      let config = Config(members, file: "config.json")
      try read(config)
      #expect(config.notes == [#"config.json: settings without an effect: "decay", "power""#])
    }
    let text = Config(
      [
        "model_type": .string("clip"), "vision_config": .object([:]),
        "text_config": .object(["hidden_act": .string("mish")]),
      ], file: "config.json")
    #expect(throws: (any Error).self) { try CLIPTextConfig(text) }
  }

  @Test("sizes and levels may be lists")
  func lists() throws {
    var members = try members("UNet2DConditionModel")
    members["sample_size"] = .array([.integer(64), .integer(48)])
    members["cross_attention_dim"] = .array(Array(repeating: .integer(768), count: 4))
    members["only_cross_attention"] = .array(Array(repeating: .bool(false), count: 4))
    members["layers_per_block"] = .array(Array(repeating: .integer(2), count: 4))
    let config = try UNet2DConditionConfig(Config(members, file: "config.json"))
    #expect(config.sampleSize == (64, 48) && config.crossAttentionDim == 768)
    for (key, value) in [
      ("cross_attention_dim", [JSONValue.integer(768), .integer(1024)]),
      ("only_cross_attention", [.bool(false), .bool(true)]),
    ] {
      var other = members
      other[key] = .array(value)
      #expect(throws: (any Error).self) {
        try UNet2DConditionConfig(Config(other, file: "config.json"))
      }
    }
  }
}
