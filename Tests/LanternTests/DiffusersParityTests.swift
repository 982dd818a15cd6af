import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Whole pictures against those of diffusers: tools/fixtures/tiny_pipeline.py.
@Suite struct DiffusersParityTests {
  @Test(
    "pictures of a text equal those of StableDiffusionPipeline",
    arguments: TinyPipeline.names("text"))
  func texts(name: String) throws {
    try expectParity(name)
  }

  @Test(
    "pictures that begin from another equal those of StableDiffusionImg2ImgPipeline",
    arguments: TinyPipeline.names("picture"))
  func pictures(name: String) throws {
    try expectParity(name)
  }

  @Test(
    "pictures redrawn behind a mask equal those of StableDiffusionInpaintPipeline",
    arguments: TinyPipeline.names("mask"))
  func masks(name: String) throws {
    try expectParity(name)
  }

  @Test(
    "so do those of a U-Net of nine channels, which was made to fill holes",
    arguments: TinyPipeline.names("inpainting"))
  func inpainting(name: String) throws {
    try expectParity(name)
  }

  @Test(
    "pictures of Stable Diffusion XL equal those of its three pipelines: two text encoders, sizes, zeros for no negative prompt",
    arguments: TinyPipeline.names(of: "tiny_xl"))
  func xl(name: String) throws {
    try expectParity(name, "tiny_xl")
  }

  @Test(
    "latent consistency models have guidance as an input, as diffusers' pipelines",
    arguments: TinyPipeline.names(of: "tiny_lcm"))
  func latentConsistency(name: String) throws {
    try expectParity(name, "tiny_lcm")
  }

  @Test(
    "models that edit a picture follow it and the prompt, as StableDiffusionInstructPix2PixPipeline",
    arguments: TinyPipeline.names(of: "tiny_edit"))
  func editing(name: String) throws {
    try expectParity(name, "tiny_edit")
  }

  @Test(
    "a refiner takes the last steps over as diffusers' pipelines do, and draws alone from a picture",
    arguments: TinyPipeline.names(of: "tiny_refiner"))
  func refiner(name: String) throws {
    try expectParity(name, "tiny_refiner")
  }

  @Test(
    "prompts that change between steps, take turns or are composed draw what diffusers draws with their texts",
    arguments: TinyPipeline.names(of: "webui_prompts"))
  func webUIPrompts(name: String) throws {
    try expectParity(name, "webui_prompts")
  }

  @Test(
    "a second pass over the enlarged latent, or picture, draws what diffusers' two pipelines draw",
    arguments: TinyPipeline.names(of: "hires"))
  func hires(name: String) throws {
    try expectParity(name, "hires")
  }

  @Test("there are cases of every kind")
  func cases() {
    #expect(TinyPipeline.names("text").count == 18)
    #expect(TinyPipeline.names("picture").count == 14)
    #expect(TinyPipeline.names("mask").count == 13)
    #expect(TinyPipeline.names("inpainting").count == 4)
    #expect(TinyPipeline.names(of: "tiny_xl").count == 11)
    #expect(TinyPipeline.names(of: "tiny_lcm").count == 5)
    #expect(TinyPipeline.names(of: "tiny_refiner").count == 4)
    #expect(TinyPipeline.names(of: "tiny_edit").count == 5)
    #expect(TinyPipeline.names(of: "webui_prompts").count == 12)
    #expect(TinyPipeline.names(of: "hires").count == 12)
  }

  /// Draws a case, and compares the latents after the last step and the picture.
  private func expectParity(_ name: String, _ model: String = "tiny_pipeline") throws {
    let reference = try TinyPipeline(model)
    let trace = Trace()
    let image = try reference.generator(name).draw(reference.request(name), trace: trace)
    let latents = try withTemporaryFolder { folder in
      try trace.write(to: "\(folder)/trace.safetensors")
      let file = try SafetensorsFile("\(folder)/trace.safetensors")
      return try #require(try file.tensor(model == "hires" ? "hires_latents" : "latents"))
    }
    let last = try latents.sliced(axis: 0, latents.shape[0] - 1..<latents.shape[0])
    let expected = try reference.tensor("\(name).latents")
    try expectEqual(last.reshaped(expected.shape), expected, relative: 1e-4, name)

    guard let picture = try reference.drawn(name) else { return }
    #expect(image.picture.width == picture.width)
    #expect(image.picture.height == picture.height)
    let worst = zip(image.picture.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= 1, "\(name): \(worst)/255")
  }
}
