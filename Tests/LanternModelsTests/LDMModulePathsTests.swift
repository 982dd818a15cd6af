import LanternFormats
import LanternModels
import TestSupport
import Testing

/// Paths of the original code, which diffusers converts: tools/fixtures/adapter_spellings.py.
@Suite struct LDMModulePathsTests {
  private static let settings: [String: [String: JSONValue]] = [
    "stable diffusion 1": ["cross_attention_dim": .integer(768)],
    "stable diffusion 2": ["cross_attention_dim": .integer(1024)],
    "stable diffusion xl": [
      "cross_attention_dim": .integer(2048),
      "block_out_channels": .array([320, 640, 1280].map(JSONValue.integer)),
      "transformer_layers_per_block": .array([1, 2, 10].map(JSONValue.integer)),
      "down_block_types": .array(
        ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"].map(JSONValue.string)),
      "up_block_types": .array(
        ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"].map(JSONValue.string)),
    ],
  ]

  @Test(
    "every module of Stable Diffusion's U-Nets has the path that diffusers converts it from",
    arguments: settings.keys.sorted())
  func paths(model: String) throws {
    let expected = try #require(
      try JSON.read(fixture("adapter_spellings/ldm_paths.json")).object?[model]?.object)
    let config = try Config(#require(Self.settings[model]), file: model)
    let paths = UNetLayout(try UNet2DConditionConfig(config)).names.inverse
    #expect(expected.count > 100)
    for (path, original) in expected {
      #expect(paths(path) == original.string)
    }
    #expect(paths("conv_in_2") == nil)
    #expect(paths("down_blocks.0.resnets.7.conv1") == nil)
  }
}
