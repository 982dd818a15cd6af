import Foundation
import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// The fixture holds small autoencoders and what diffusers computes with them:
/// tools/fixtures/autoencoder_kl.py.
@Suite struct AutoencoderKLTests {
  private func make(_ config: Config, _ weights: Weights) throws(ModelError) -> AutoencoderKL {
    try AutoencoderKL(AutoencoderKLConfig(config), weights)
  }

  private func reference(_ name: String) throws -> ModelFixture {
    try ModelFixture("autoencoder_kl", name)
  }

  /// A latent as the denoiser hands it over, for the decoder to unscale.
  private func scaled(_ latent: Tensor, _ config: AutoencoderKLConfig) throws -> Tensor {
    try latent.scaled(by: config.scalingFactor, plus: -config.shiftFactor * config.scalingFactor)
  }

  private func expectParity(_ model: AutoencoderKL, _ reference: ModelFixture) throws {
    let (mean, logVariance) = try model.moments(of: reference.tensor("picture"))
    try expectEqual(mean, reference.tensor("mean"), relative: 2e-5, "mean")
    try expectEqual(logVariance, reference.tensor("log_variance"), relative: 2e-5, "variance")
    let latent = try scaled(reference.tensor("latent"), model.config)
    try expectEqual(
      model.decode(latent), reference.tensor("decoded"), relative: 2e-5, "decoded")
  }

  @Test(
    "moments and pictures equal those of diffusers, whatever the levels and odd sizes",
    arguments: ["plain", "bare", "deep"])
  func parity(name: String) throws {
    let reference = try reference(name)
    try expectParity(reference.build(make), reference)
  }

  @Test("tiles equal those of diffusers", arguments: ["plain", "bare", "deep"])
  func tiles(name: String) throws {
    let reference = try reference(name)
    let model = try reference.build(make)
    let large = try scaled(reference.tensor("large"), model.config)
    let tiled = try model.decode(large, tiled: true)
    try expectEqual(tiled, reference.tensor("tiled"), relative: 2e-5)
    #expect(try tiled.floats() != model.decode(large).floats())
    let small = try scaled(reference.tensor("latent"), model.config)
    #expect(try model.decode(small, tiled: true).floats() == model.decode(small).floats())
  }

  @Test("encoded tiles equal those of diffusers", arguments: ["plain", "bare", "deep"])
  func encodedTiles(name: String) throws {
    let reference = try reference(name)
    let model = try reference.build(make)
    let picture = try reference.tensor("large_picture")
    let mean = try reference.tensor("tiled_mean")
    let deviation = try reference.tensor("tiled_log_variance").scaled(by: 0.5)
      .applying(.exponential)
    for noise: Float in [0, 1] {
      let noises = try Tensor(repeating: noise, shape: mean.shape)
      let tiled = try model.encode(picture, noise: noises, tiled: true)
      try expectEqual(tiled, scaled(mean + deviation * noise, model.config), relative: 2e-5)
      #expect(try tiled.floats() != model.encode(picture, noise: noises).floats())
    }
  }

  @Test("tiles of any size make a picture of the right size", arguments: [1, 4, 17, 21, 26, 1000])
  func oddTiles(size: Int) throws {
    let model = try reference("deep").build(make) { config, _ in
      config["sample_size"] = .integer(size)
    }
    let latent = try Tensor(repeating: 0.1, shape: [1, 13, 9, 2])
    #expect(try model.decode(latent, tiled: true).shape == [1, 52, 36, 2])
  }

  @Test("a drawn latent is mean plus deviation times noise, scaled and shifted")
  func drawn() throws {
    for name in ["plain", "bare"] {
      let reference = try reference(name)
      let model = try reference.build(make)
      let mean = try reference.tensor("mean")
      let noise = try Tensor(
        (0..<mean.elementCount).map { Float($0 % 7) / 3 - 1 }, shape: mean.shape)
      let deviation = try reference.tensor("log_variance").scaled(by: 0.5).applying(.exponential)
      try expectEqual(
        model.encode(reference.tensor("picture"), noise: noise),
        scaled(mean + deviation * noise, model.config), relative: 2e-5)
    }
  }

  @Test(
    "the attention of older files, spelt query, key, value and proj_attn, is the same",
    arguments: [false, true])
  func olderNames(asConvolutions: Bool) throws {
    let reference = try reference("plain")
    let model = try reference.build(make) { _, weights in
      for (key, value) in weights {
        for (new, old) in [
          ("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn"),
        ] where key.contains("attentions.0.\(new).") {
          weights[key] = nil
          let isMatrix = asConvolutions && value.rank == 2
          weights[key.replacingOccurrences(of: new, with: old)] =
            isMatrix ? try value.reshaped(value.shape + [1, 1]) : value
        }
      }
      #expect(weights.keys.contains("decoder.mid_block.attentions.0.proj_attn.bias"))
    }
    try expectParity(model, reference)
  }

  @Test("settings that diffusers leaves out have its defaults, and force_upcast changes nothing")
  func defaults() throws {
    let reference = try reference("plain")
    let defaultValue = [
      "act_fn", "force_upcast", "in_channels", "latent_channels", "latents_mean", "latents_std",
      "layers_per_block", "mid_block_add_attention", "out_channels", "scaling_factor",
      "shift_factor", "use_post_quant_conv", "use_quant_conv",
    ]
    let model = try reference.build(make) { config, _ in
      for key in defaultValue { config[key] = nil }
    }
    #expect(model.config.scalingFactor == 0.18215)
    #expect(model.downsampling == 2)
    try expectParity(model, reference)
  }

  @Test("the encoder is read when it is first needed, and refused by the tensor's name then")
  func encoder() throws {
    let reference = try reference("plain")
    for (name, complaint) in [
      ("encoder.conv_in.bias", "no tensor \"encoder.conv_in.bias\""),
      ("encoder.more", "1 tensors have no place in the model"),
    ] {
      let model = try reference.build(make) { _, weights in
        weights[name] = weights[name] == nil ? try Tensor(repeating: 0, shape: [1]) : nil
      }
      let latent = try scaled(reference.tensor("latent"), model.config)
      try expectEqual(model.decode(latent), reference.tensor("decoded"), relative: 2e-5)
      for _ in 0..<2 {
        let error = #expect(throws: ModelError.self) {
          try model.moments(of: reference.tensor("picture"))
        }
        #expect(error.map { "\($0)".contains(complaint) } == true)
      }
    }
  }

  @Test("a checkpoint that does not fit is refused by the tensor's name")
  func checkpoints() throws {
    let reference = try reference("plain")
    #expect(
      try reference.complaintOfWeights(make) { $0["post_quant_conv.bias"] = nil }
        .contains("no tensor \"post_quant_conv.bias\""))
    #expect(
      try reference.complaintOfWeights(make) {
        $0["decoder.conv_in.weight"] = try Tensor(repeating: 0, shape: [16, 4, 1, 1])
      }.contains("has shape [16, 4, 1, 1], but the configuration calls for [16, 4, 3, 3]"))
    #expect(
      try reference.complaintOfWeights(make) {
        $0["loss.discriminator"] = try Tensor(repeating: 0, shape: [1])
      }.contains("1 tensors have no place in the model"))
    #expect(
      try reference.complaint(make, "use_quant_conv", .bool(false))
        .contains("2 tensors have no place in the model that the configuration describes"))
  }

  @Test(
    "settings that it has no place for are refused by name",
    arguments: [
      ("act_fn", .string("relu"), "\"relu\""), ("latents_mean", .array([.integer(0)]), "[0]"),
      ("latents_std", .integer(1), "1"),
      ("down_block_types", .array([.string("AttnDownEncoderBlock2D")]), "AttnDownEncoderBlock2D"),
      ("up_block_types", .array([.string("UpDecoderBlock2D"), .string("X")]), "X"),
    ] as [(String, JSONValue, String)])
  func unsupported(key: String, value: JSONValue, shown: String) throws {
    #expect(
      try reference("plain").complaint(make, key, value)
        == "config.json: \"\(key)\" is \(shown), which Lantern does not support; take a model without it"
    )
  }

  @Test(
    "settings that contradict each other, or that no memory could hold, are refused",
    arguments: [
      ("block_out_channels", .array([])), ("block_out_channels", .array([.integer(8)])),
      ("block_out_channels", .array([.integer(8), .integer(18)])),
      ("latent_channels", .integer(1 << 50)), ("layers_per_block", .integer(-3)),
      ("norm_num_groups", .integer(0)), ("sample_size", .integer(0)),
      ("scaling_factor", .integer(0)),
    ] as [(String, JSONValue)])
  func contradictions(key: String, value: JSONValue) throws {
    let complaint = try reference("plain").complaint(make, key, value)
    #expect(complaint.hasPrefix("config.json: "), "\(complaint)")
  }
}
