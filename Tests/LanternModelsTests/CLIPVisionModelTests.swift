import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// CLIP's vision encoder against transformers'. Fixtures by tools/fixtures/tiny_ip_adapter.py.
@Suite struct CLIPVisionModelTests {
  private static let pictures = ["edges", "depth", "wide", "small"]

  private func file() throws -> SafetensorsFile {
    try SafetensorsFile(fixture("tiny_ip_adapter.safetensors"))
  }

  private func model(_ changes: [String: JSONValue] = [:]) throws -> CLIPVisionModel {
    let folder = fixture("tiny_ip_adapter/image_encoder")
    return try CLIPVisionModel(
      CLIPVisionConfig(Config(path: "\(folder)/config.json", with: changes)),
      Weights(TensorArchive(folder: folder, stems: ["model"])))
  }

  @Test("hidden states and embeddings equal transformers' within 1e-5", arguments: pictures)
  func parity(name: String) throws {
    let (file, model) = (try file(), try model())
    let pixels = try #require(try file.tensor("\(name).pixels")).permuted([0, 2, 3, 1])
    try expectEqual(
      model.states(of: pixels.contiguous()), try #require(try file.tensor("\(name).states")),
      relative: 1e-5, "\(name) states")
    try expectEqual(
      model.embedding(of: pixels.contiguous()),
      try #require(try file.tensor("\(name).embedding")), relative: 1e-5, "\(name) embedding")
  }

  @Test("settings that make no encoder, and pictures of another size, are refused")
  func refusals() throws {
    for (key, value) in [
      ("hidden_act", JSONValue.string("swiglu")), ("num_channels", .integer(4)),
      ("num_attention_heads", .integer(0)), ("patch_size", .integer(64)),
      ("image_size", .integer(48)),
    ] {
      #expect(throws: (any Error).self, "\(key)") { _ = try model([key: value]) }
    }
    let pixels = try Tensor(repeating: 0, shape: [1, 16, 32, 3])
    #expect(throws: TensorError.self) { _ = try model().states(of: pixels) }
  }

  @Test("settings of a file without any are those of the published encoder of its size")
  func settings() throws {
    func names(_ size: Int) -> NamedShapes {
      NamedShapes([
        ("vision_model.embeddings.class_embedding", [size]),
        ("vision_model.embeddings.patch_embedding.weight", [size, 3, 14, 14]),
        ("vision_model.embeddings.position_embedding.weight", [257, size]),
        ("vision_model.encoder.layers.0.layer_norm1.weight", [size]),
        ("vision_model.encoder.layers.0.mlp.fc1.weight", [4 * size, size]),
        ("visual_projection.weight", [1024, size]),
      ])
    }
    let wanted = try CLIPVisionConfig(
      Config(
        [
          "hidden_size": 1280, "intermediate_size": 5120, "projection_dim": 1024,
          "num_hidden_layers": 1, "num_attention_heads": 16, "image_size": 224, "patch_size": 14,
          "hidden_act": "gelu",
        ], file: "config.json"))
    let found = try CLIPVisionConfig(try #require(CLIPVisionConfig.renamed(names(1280))))
    // All fields as text: they are of many types.
    #expect("\(found)" == "\(wanted)")
    #expect(throws: ModelError.self) { _ = try CLIPVisionConfig(names(100)) }
    #expect(CLIPVisionConfig.renamed(NamedShapes([("text_model.x", [1])])) == nil)
  }
}
