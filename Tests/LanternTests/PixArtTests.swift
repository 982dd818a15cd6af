import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Whole pictures of PixArt against those of diffusers: tools/fixtures/tiny_pixart.py.
@Suite struct PixArtTests {
  @Test(
    "PixArt-Σ and α draw what diffusers draws: latents within 1e-4, pictures within 1/255",
    arguments: TinyPipeline.names(of: "tiny_pixart"))
  func parity(name: String) throws {
    let reference = try TinyPipeline("tiny_pixart")
    let trace = Trace()
    let image = try reference.withGenerator(name) { generator in
      try generator.draw(reference.request(name), trace: trace)
    }
    let latents = try withTemporaryFolder { folder in
      try trace.write(to: "\(folder)/trace.safetensors")
      return try #require(
        try SafetensorsFile("\(folder)/trace.safetensors").tensor("latents"))
    }
    let expected = try reference.tensor("\(name).latents")
    let (steps, kept) = (latents.shape[0], expected.shape[0])
    #expect(kept == 1 || kept == steps)
    try expectEqual(
      latents.sliced(axis: 0, steps - kept..<steps).contiguous(), expected, relative: 1e-4, name)
    guard let picture = try reference.drawn(name) else { return }
    #expect([image.picture.width, image.picture.height] == [picture.width, picture.height])
    let worst = zip(image.picture.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= 1, "\(worst)/255")
    #expect(image.notes.contains { $0.contains("resized to 208×128") })
    #expect(image.recipe.request.width == 208 && image.recipe.request.height == 128)
  }

  @Test("there are cases of all kinds")
  func cases() {
    #expect(TinyPipeline.names(of: "tiny_pixart").count == 6)
  }

  @Test("sizes are drawn in the nearest ratio that a model was trained on, as diffusers bins them")
  func bins() throws {
    let file = try SafetensorsFile(fixture("tiny_pixart.safetensors"))
    let text = try #require(file.metadata["bins"])
    let rows = try JSON.parse(text: text, file: "bins").array ?? []
    #expect(rows.count == 24)
    for row in rows.map({ $0.array?.compactMap(\.integer) ?? [] }) {
      let bin = ResolutionBins.size(width: row[1], height: row[2], side: row[0])
      #expect([bin.width, bin.height] == Array(row[3...]), "\(row)")
    }
  }

  private static let refused: [(key: String, value: JSONValue, words: String)] = [
    ("cross_attention_dim", .integer(23), "cross_attention_dim"),
    ("num_attention_heads", .integer(0), "attention heads"),
    ("attention_head_dim", .integer(.max), "attention heads"),
    ("num_layers", .integer(-1), "layers"), ("sample_size", .integer(.max), "sample_size"),
    ("out_channels", .integer(5), "out_channels"), ("patch_size", .integer(4), "patch_size"),
    ("norm_type", .string("layer_norm"), "norm_type"),
    ("caption_channels", .null, "caption_channels"),
    ("interpolation_scale", .integer(0), "sample_size"),
  ]

  @Test(
    "sizes that cannot be, and settings that are not built, are refused by name",
    arguments: refused.indices)
  func refusals(number: Int) throws {
    let (key, value, words) = Self.refused[number]
    #expect {
      try TinyPipeline.with(
        fixture("tiny_pixart"),
        changing: { try TinyPipeline.set(key, value, "\($0)/transformer/config.json") }, { _ in })
    } throws: { "\($0)".contains(words) }
  }

  @Test("a second pass, a cache and other precisions draw too")
  func others() throws {
    var request = ImageRequest(prompt: "a fox")
    (request.steps, request.seed, request.width, request.height) = (4, 3, 128, 128)
    request.cache = StepCache("taylor:2")
    let int8 = try ImageGenerator(folder: fixture("tiny_pixart"), precision: .int8)
    #expect(try int8.draw(request).picture.width == 128)
    request.cache = nil
    request.hires = Hires(.factor(1.5))
    let drawn = try int8.draw(request).picture
    #expect([drawn.width, drawn.height] == [384, 384])
  }
}
