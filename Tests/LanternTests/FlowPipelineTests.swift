import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Whole pictures of transformers that predict a flow against those of diffusers: tools/fixtures/tiny_flux2.py,
/// tiny_flux.py, tiny_z_image.py, tiny_sd3.py.
@Suite struct FlowPipelineTests {
  @Test(
    "FLUX.2 klein draws what Flux2KleinPipeline draws, step by step, guided or not",
    arguments: TinyPipeline.names(of: "tiny_flux2"))
  func flux2(name: String) throws {
    try expectParity(name, "tiny_flux2")
  }

  @Test(
    "FLUX.1 schnell and dev draw what FluxPipeline and FluxImg2ImgPipeline draw",
    arguments: TinyPipeline.names(of: "tiny_flux"))
  func flux(name: String) throws {
    try expectParity(name, "tiny_flux")
  }

  @Test(
    "Z-Image draws what ZImagePipeline draws, texts of different lengths next to each other",
    arguments: TinyPipeline.names(of: "tiny_z_image"))
  func zImage(name: String) throws {
    try expectParity(name, "tiny_z_image")
  }

  @Test(
    "Stable Diffusion 3 and 3.5 draw what their pipelines draw, with T5 or without",
    arguments: TinyPipeline.names(of: "tiny_sd3"))
  func stableDiffusion3(name: String) throws {
    try expectParity(name, "tiny_sd3")
  }

  @Test(
    "from pictures FLUX.1 Kontext, Fill and dev, FLUX.2 klein, SD 3.5 and Z-Image draw what theirs do",
    arguments: TinyPipeline.names(of: "tiny_flow_edit"))
  func fromPictures(name: String) throws {
    // Guidance of 30 makes angles of 30,000, whose rounding in f32 shows.
    try expectParity(name, "tiny_flow_edit", relative: 3e-4)
  }

  @Test(
    "a reference is encoded, and a picture drawn, in the nearest size that Kontext was trained on")
  func kontextSizes() throws {
    let file = try SafetensorsFile(fixture("tiny_flow_edit.safetensors"))
    let text = try #require(file.metadata["sizes"])
    let rows = try JSON.parse(text: text, file: "sizes").array ?? []
    #expect(rows.count == 8)
    for row in rows.map({ $0.array?.compactMap(\.integer) ?? [] }) {
      let size = ReferenceForm.kontext.size(of: (row[0], row[1]), unit: 16)
      #expect([size.width, size.height] == Array(row[2...]), "\(row)")
    }
    let large = ReferenceForm.klein.size(of: (3000, 1000), unit: 16)
    #expect([large.width, large.height] == [1760, 576])
  }

  @Test("references that a model does not take are refused in words, and one may set the size")
  func references() throws {
    let reference = try TinyPipeline("tiny_flow_edit")
    var request = try reference.request("klein one")
    (request.width, request.height) = (nil, nil)
    let klein = try ImageGenerator(folder: fixture("tiny_flux2"), precision: .exact)
    let drawn = try klein.draw(request)
    #expect([drawn.picture.width, drawn.picture.height] == [96, 64])
    #expect(drawn.recipe.request.references.map(\.name) == ["photo"])
    func expectRefused(_ model: ImageGenerator, _ words: String) {
      #expect(throws: (any Error).self) { try model.check(request) }
      #expect { try model.check(request) } throws: { "\($0)".contains(words) }
    }
    let flux = try ImageGenerator(folder: fixture("tiny_flux"), precision: .exact)
    expectRefused(flux, "FLUX.1 Kontext or FLUX.2 klein")
    request.references = Array(repeating: request.references[0], count: 5)
    expectRefused(klein, "up to 4")
    let small = try Picture(width: 63, height: 64, pixels: Array(repeating: 9, count: 63 * 64 * 3))
    request.references = [ReferencePicture(name: "small.png", picture: small)]
    expectRefused(klein, "small.png")
    request.references = [ReferencePicture(name: "lost.png", picture: nil)]
    expectRefused(klein, "lost.png")
  }

  @Test("there are cases of every kind")
  func cases() {
    #expect(TinyPipeline.names(of: "tiny_flux2").count == 6)
    #expect(TinyPipeline.names(of: "tiny_flux").count == 8)
    #expect(TinyPipeline.names(of: "tiny_z_image").count == 7)
    #expect(TinyPipeline.names(of: "tiny_sd3").count == 9)
    #expect(TinyPipeline.names(of: "tiny_flow_edit").count == 12)
  }

  private static let refused: [(model: String, key: String, value: JSONValue, words: String)] = [
    ("tiny_flux2", "axes_dims_rope", .array([4, 4, 4]), "axes of positions"),
    ("tiny_flux2", "axes_dims_rope", .array([4, 4, 4, 5]), "axes of positions"),
    ("tiny_flux2", "num_attention_heads", .integer(0), "attention heads"),
    ("tiny_flux2", "attention_head_dim", .integer(.max), "attention heads"),
    ("tiny_flux2", "mlp_ratio", .number(1e300), "feed-forward"),
    ("tiny_flux2", "num_layers", .integer(-1), "layers"),
    ("tiny_flux2", "in_channels", .integer(1 << 60), "channels"),
    ("tiny_flux2", "patch_size", .integer(2), "patch_size"),
    ("tiny_flux2", "joint_attention_dim", .integer(48), "context_embedder"),
    ("tiny_flux", "in_channels", .integer(18), "multiples of 4"),
    ("tiny_flux", "axes_dims_rope", .array([16]), "axes of positions"),
    ("tiny_flux", "num_single_layers", .integer(1), "single_transformer_blocks"),
    ("tiny_sd3", "caption_projection_dim", .integer(32), "caption_projection_dim"),
    ("tiny_sd3", "pos_embed_max_size", .integer(.max), "pos_embed_max_size"),
    ("tiny_sd3", "pos_embed_max_size", .integer(8), "pos_embed"),
    ("tiny_sd3", "qk_norm", .string("layer_norm"), "qk_norm"),
    ("tiny_sd3", "patch_size", .integer(4), "patch_size"),
    ("tiny_sd3", "num_layers", .integer(0), "num_layers"),
    ("tiny_sd3", "dual_attention_layers", .array([0]), "norm1"),
    ("tiny_z_image", "n_heads", .integer(5), "n_heads"),
    ("tiny_z_image", "siglip_feat_dim", .integer(8), "siglip_feat_dim"),
    ("tiny_z_image", "all_patch_size", .array([2, 4]), "all_patch_size"),
    ("tiny_z_image", "dim", .integer(.max), "n_heads"),
  ]

  @Test(
    "sizes that cannot be, and settings that are not built, are refused by name",
    arguments: refused.indices)
  func refusals(number: Int) throws {
    let (model, key, value, words) = Self.refused[number]
    #expect {
      try TinyPipeline.with(
        fixture(model),
        changing: { try TinyPipeline.set(key, value, "\($0)/transformer/config.json") },
        { _ in })
    } throws: { "\($0)".contains(words) }
  }

  @Test(
    "without its own settings a klein is guided in 50 steps, distilled not and in 4; schnell likewise"
  )
  func defaults() throws {
    func defaults(_ model: String, _ change: (String) throws -> Void = { _ in }) throws -> [Float] {
      try TinyPipeline.with(fixture(model), changing: change) { generator in
        let found = generator.model.defaults
        return [Float(found.steps), found.guidance, Float(generator.nativeSize.width)]
      }
    }
    #expect(try defaults("tiny_flux2") == [4, 1, 1024])
    #expect(
      try defaults("tiny_flux2") {
        try TinyPipeline.set("is_distilled", .bool(false), "\($0)/model_index.json")
      } == [50, 4, 1024])
    #expect(try defaults("tiny_flux") == [4, 1, 1024])
    #expect(try defaults("tiny_z_image") == [8, 1, 1024])
  }

  /// Draws a case, and compares the latents after every step and the picture.
  private func expectParity(_ name: String, _ model: String, relative: Float = 1e-4) throws {
    let reference = try TinyPipeline(model)
    let trace = Trace()
    let image = try reference.withGenerator(name) { generator in
      try generator.draw(reference.request(name), trace: trace)
    }
    let latents = try withTemporaryFolder { folder in
      try trace.write(to: "\(folder)/trace.safetensors")
      let file = try SafetensorsFile("\(folder)/trace.safetensors")
      return try #require(try file.tensor("latents"))
    }
    let expected = try reference.tensor("\(name).latents")
    #expect(latents.shape == expected.shape)
    // The reference keeps latents on the flow's straight path; here they are of unit variance.
    let scales = try reference.tensor("\(name).sigmas").floats().map { sigma in
      1 / (sigma * sigma + (1 - sigma) * (1 - sigma)).squareRoot()
    }
    let scaled = try expected * Tensor(scales, shape: [scales.count, 1, 1, 1])
    try expectEqual(latents, scaled, relative: relative, name)

    let picture = try #require(try reference.drawn(name))
    #expect(image.picture.width == picture.width)
    #expect(image.picture.height == picture.height)
    let worst = zip(image.picture.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= 1, "\(name): \(worst)/255")
  }
}
