import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// The fixture holds small text encoders and the states that diffusers takes from them:
/// tools/fixtures/clip_text_model.py.
@Suite struct CLIPTextModelTests {
  private func make(_ config: Config, _ weights: Weights) throws(ModelError) -> CLIPTextModel {
    try CLIPTextModel(CLIPTextConfig(config), weights)
  }

  private func reference(_ name: String) throws -> ModelFixture {
    try ModelFixture("clip_text_model", name)
  }

  private func expectParity(_ model: CLIPTextModel, _ reference: ModelFixture) throws {
    #expect(reference.names("ids.").count == 4)
    for text in reference.names("ids.") {
      let ids = try reference.tensor("ids.\(text)").integers().map(Int.init)
      for skipped in 0..<model.layerCount {
        try expectEqual(
          model.encode(ids, skippedLayers: skipped).states,
          reference.tensor("out.\(text).\(skipped)"),
          relative: 2e-5, "text \(text) without \(skipped) layers")
      }
    }
  }

  @Test(
    "states equal those of transformers, of every text and after every layer",
    arguments: ["openai", "openclip", "tanh"])
  func parity(name: String) throws {
    let reference = try reference(name)
    let model = try reference.build(make)
    #expect(model.features == 16)
    #expect(model.maximumLength == 12)
    #expect(model.layerCount == 3)
    try expectParity(model, reference)
  }

  @Test(
    "names may or may not begin with text_model., and old position ids and projections may stay",
    arguments: [true, false])
  func names(prefixed: Bool) throws {
    let reference = try reference("openclip")
    let model = try reference.build(make) { _, weights in
      let found = weights
      weights = [:]
      for (key, value) in found {
        let bare = key.hasPrefix("text_model.") ? String(key.dropFirst(11)) : key
        let isPrefixed = prefixed && bare != "text_projection.weight"
        weights[isPrefixed ? "text_model.\(bare)" : bare] = value
      }
      weights["\(prefixed ? "text_model." : "")embeddings.position_ids"] = try Tensor(
        (0..<12).map(Int32.init), shape: [1, 12])
      #expect(weights["text_projection.weight"]?.shape == [6, 16])
    }
    try expectParity(model, reference)
  }

  @Test("too many tokens, none, and ids outside the vocabulary, are errors")
  func badTokens() throws {
    let model = try reference("openai").build(make)
    #expect(
      throws: TensorError.shape(
        op: "CLIPTextModel", expected: "at most 12 tokens", found: [13])
    ) { try model.encode([Int](repeating: 3, count: 13), skippedLayers: 0) }
    for id in [40, -1, Int.max, Int.min, 1 << 32] {
      #expect(throws: TensorError.self) { try model.encode([38, id], skippedLayers: 0) }
    }
    #expect(throws: TensorError.self) { try model.encode([], skippedLayers: 0) }
  }

  @Test("a checkpoint that does not fit is refused by the tensor's name")
  func checkpoints() throws {
    let reference = try reference("openai")
    let name = try #require(reference.names("weights.").first { $0.hasSuffix("1.mlp.fc2.bias") })
    #expect(
      try reference.complaintOfWeights(make) { $0[name] = nil }.contains("no tensor \"\(name)\""))
    #expect(
      try reference.complaintOfWeights(make) {
        $0[name] = try Tensor(repeating: 0, shape: [17])
      }.contains("\"\(name)\" has shape [17], but the configuration calls for [16]"))
    #expect(
      try reference.complaintOfWeights(make) {
        $0["logit_scale"] = try Tensor(repeating: 0, shape: [1])
      }.contains("1 tensors have no place in the model"))
  }

  @Test(
    "settings that it has no place for are refused by name",
    arguments: [
      ("hidden_act", .string("mish"), "mish"),
      ("use_attention_mask", .bool(true), "true"),
    ] as [(String, JSONValue, String)])
  func unsupported(key: String, value: JSONValue, shown: String) throws {
    #expect(
      try reference("openai").complaint(make, key, value)
        == "config.json: \"\(key)\" is \(shown), which Lantern does not support; take a model without it"
    )
  }

  @Test(
    "sizes that do not divide, or that no memory could hold, are refused",
    arguments: [
      ("hidden_size", .string("16")), ("layer_norm_eps", .number(1e300)),
      ("num_attention_heads", .integer(0)), ("num_attention_heads", .integer(3)),
      ("num_hidden_layers", .integer(-1)), ("vocab_size", .integer(1 << 40)),
    ] as [(String, JSONValue)])
  func contradictions(key: String, value: JSONValue) throws {
    let complaint = try reference("openai").complaint(make, key, value)
    #expect(complaint.hasPrefix("config.json: "), "\(complaint)")
  }
}
