import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Fixtures by tools/fixtures/showo.py (showlab's own code) and tools/fixtures/vq_model.py
/// (diffusers).
@Suite struct TokenCodecTests {
  private func magvit(_ config: Config, _ weights: Weights) throws(ModelError) -> any TokenCodec {
    try MAGVITv2(MAGVITv2Config(config), weights)
  }

  private func vq(_ config: Config, _ weights: Weights) throws(ModelError) -> any TokenCodec {
    try VQModel(VQModelConfig(config), weights)
  }

  private func expectParity(
    _ codec: any TokenCodec, _ reference: ModelFixture, width: Int
  ) throws {
    let codes = try reference.tensor("codes").integers().map(Int.init)
    #expect(try codec.codes(of: reference.tensor("picture")) == codes)
    try expectEqual(
      codec.decode(codes, width: width), reference.tensor("decoded"), relative: 1e-4)
  }

  @Test("MAGVIT-v2 encodes and decodes a picture as Show-o's own code does")
  func magvitParity() throws {
    let reference = try ModelFixture("showo", "magvit")
    let tokenizer = try reference.build(magvit)
    #expect(tokenizer.downsampling == 2)
    #expect(tokenizer.codebookSize == 32)
    try expectParity(tokenizer, reference, width: 6)
    let features = try reference.tensor("features")
    #expect(tokenizer.featureChannels == features.shape[2])
    try expectEqual(
      tokenizer.features(of: reference.tensor("picture")), features, relative: 1e-4)
  }

  @Test("VQModel encodes and decodes a picture as diffusers does", arguments: ["plain", "amused"])
  func vqParity(name: String) throws {
    let reference = try ModelFixture("vq_model", name)
    try expectParity(reference.build(vq), reference, width: name == "plain" ? 12 : 6)
  }

  @Test("as latents, pictures are decoded to what their codes stand for, in tiles too")
  func latents() throws {
    let nothing = try Tensor([Float](), shape: [0])
    for (name, part, make) in [
      ("showo", "magvit", magvit), ("vq_model", "plain", vq), ("vq_model", "amused", vq),
    ] {
      let reference = try ModelFixture(name, part)
      let codec = try reference.build(make)
      let picture = try reference.tensor("picture")
      let size = picture.shape[1...2].map { $0 / codec.downsampling }
      let latent = try codec.encode(picture, noise: nothing)
      #expect(latent.shape == [1] + size + [codec.latentChannels])
      try expectEqual(codec.decode(latent), reference.tensor("decoded"), relative: 1e-4)
      #expect(try codec.decode(latent, tiled: true).shape == picture.shape)
    }
    let scaled = try ModelFixture("vq_model", "plain").build(vq) { config, _ in
      config["scaling_factor"] = .number(0.5)
    }
    let plain = try ModelFixture("vq_model", "plain")
    let latent = try scaled.encode(plain.tensor("picture"), noise: nothing)
    try expectEqual(
      latent.reshaped([1, -1, scaled.featureChannels]),
      scaled.features(of: plain.tensor("picture")).scaled(by: 0.5), relative: 1e-6)
  }

  @Test("all 8,192 codes have the bits that Show-o gives them")
  func bits() throws {
    let bits = try ModelFixture("showo", "magvit").tensor("bits").converted(to: .float32)
      .reshaped([8192, 13]).floats()
    for code in 0..<8192 {
      #expect(
        MAGVITv2.signs(of: code, bits: 13)
          == bits[code * 13..<(code + 1) * 13].map { $0 > 0 ? 1 : -1 })
    }
  }

  @Test("codes and their bits are each other's inverse")
  func inverse() {
    for code in 0..<8192 {
      #expect(MAGVITv2.code(of: MAGVITv2.signs(of: code, bits: 13)[...]) == code)
    }
  }

  @Test("codes outside the table, too few and none are errors")
  func badCodes() throws {
    let tokenizers = [
      try ModelFixture("showo", "magvit").build(magvit),
      try ModelFixture("vq_model", "plain").build(vq),
    ]
    for tokenizer in tokenizers {
      for codes in [[], [0, 1, 2], [0, -1], [0, tokenizer.codebookSize], [.max, 0]] {
        #expect(throws: TensorError.self) { try tokenizer.decode(codes, width: 2) }
      }
      #expect(throws: TensorError.self) { try tokenizer.decode([0], width: 0) }
    }
  }

  @Test("settings that it has no place for are refused by name")
  func unsupported() throws {
    let reference = try ModelFixture("showo", "magvit")
    #expect(try reference.complaint(magvit, "attention", .bool(true)).contains("attention"))
    #expect(try reference.complaint(magvit, "z_channels", .integer(0)).hasPrefix("config.json: "))
    let plain = try ModelFixture("vq_model", "plain")
    #expect(try plain.complaint(vq, "norm_type", .string("spatial")).contains("spatial"))
    for wrong in [JSONValue.string("a"), .integer(0)] {
      #expect(try plain.complaint(vq, "scaling_factor", wrong).contains("scaling_factor"))
    }
  }
}
