import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Fixtures by tools/fixtures/autoencoder_tiny.py (diffusers).
@Suite struct AutoencoderTinyTests {
  private func make(_ config: Config, _ weights: Weights) throws(ModelError) -> AutoencoderTiny {
    try AutoencoderTiny(AutoencoderTinyConfig(config), weights)
  }

  @Test(
    "latents and pictures equal those of diffusers, for latents that are scaled too",
    arguments: ["taesd", "mixed"])
  func parity(name: String) throws {
    let reference = try ModelFixture("autoencoder_tiny", name)
    let codec = try reference.build(make)
    // diffusers' pipelines scale what its classes give and take.
    let (scale, shift): (Float, Float) = name == "mixed" ? (0.4, 0.3) : (1, 0)
    let picture = try reference.tensor("picture")
    let encoded = try reference.tensor("encoded").scaled(by: scale, plus: -shift * scale)
    try expectEqual(
      codec.encode(picture, noise: Tensor([Float](), shape: [0])), encoded, relative: 2e-5)
    let latent = try reference.tensor("latent").scaled(by: scale, plus: -shift * scale)
    try expectEqual(codec.decode(latent), reference.tensor("decoded"), relative: 2e-5)
    #expect(codec.downsampling * encoded.shape[1] == picture.shape[1])
  }

  @Test("tiles are of the picture's size for any number of levels", arguments: ["taesd", "mixed"])
  func tiles(name: String) throws {
    let reference = try ModelFixture("autoencoder_tiny", name)
    let codec = try reference.build(make)
    let latent = try Tensor(
      repeating: 0.1, shape: [1, 3, codec.tileSize + 5, codec.latentChannels])
    let (tiled, whole) = (try codec.decode(latent, tiled: true), try codec.decode(latent))
    #expect(tiled.shape == whole.shape)
    // Far from any edge, all of them are one colour.
    try expectEqual(
      tiled.sliced(axis: 2, 40..<60).contiguous(), whole.sliced(axis: 2, 40..<60).contiguous(),
      relative: 1e-4)
  }

  @Test("what it has no place for is refused by name")
  func unsupported() throws {
    let reference = try ModelFixture("autoencoder_tiny", "taesd")
    for (key, value) in [
      ("act_fn", JSONValue.string("gelu")), ("upsample_fn", .string("bilinear")),
      ("upsampling_scaling_factor", .integer(3)), ("scaling_factor", .integer(0)),
      ("num_decoder_blocks", .array([.integer(1)])),
    ] {
      #expect(try reference.complaint(make, key, value).contains(key), "\(key)")
    }
    #expect(
      try reference.complaintOfWeights(make) { $0["decoder.layers.0.bias"] = nil }
        .contains("decoder.layers.0.bias"))
  }
}
