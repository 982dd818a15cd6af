import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

@Suite("lantern image with transformers that predict a flow") struct FlowModelTests {
  private func draw(_ model: String, _ more: [String], in folder: String) throws -> Program.Run {
    try Program.run(
      [
        "image", "a red fox, on the beach", "-m", fixture(model), "-s", "42", "-W", "96", "-H",
        "64",
        "-o", "fox.png",
      ] + more, in: folder)
  }

  @Test(
    "the picture is diffusers', to 2/255, with the model's own steps and guidance",
    arguments: ["tiny_flux2", "tiny_flux", "tiny_z_image"])
  func parity(model: String) throws {
    let file = try SafetensorsFile(fixture("\(model).safetensors"))
    let expected = try #require(try file.tensor("text.picture"))
    try withTemporaryFolder { folder in
      var options = ["--precision", "exact", "--literal"]
      if model == "tiny_z_image" { options += ["--steps", "4"] }
      let run = try draw(model, options, in: folder)
      #expect(run.code == 0, "\(run.errors)")
      let picture = try Picture(contentsOf: "\(folder)/fox.png")
      #expect([picture.height, picture.width, 3] == expected.shape)
      let theirs = UnsafeRawBufferPointer(start: expected.bytes, count: expected.elementCount)
      let worst = withExtendedLifetime(expected) {
        zip(picture.pixels, theirs).map { abs(Int($0) - Int($1)) }.max() ?? 0
      }
      #expect(worst <= 2, "\(worst)/255")
    }
  }

  @Test(
    "other precisions, samplers, a cache, guidance and a picture to begin from draw too",
    arguments: ["tiny_flux2", "tiny_flux", "tiny_z_image"])
  func options(model: String) throws {
    let photo = repositoryPath("samples/fox.png")
    try withTemporaryFolder { folder in
      for more in [
        [], ["--precision", "int8"], ["--sampler", "dpm++2m", "--steps", "6"],
        ["--sampler", "heun", "--schedule", "karras"], ["--cache", "taylor:2", "--steps", "6"],
        ["-g", "3", "-n", "a hare"], ["--init", photo, "--strength", "0.6"],
        ["--init", photo, "--mask", photo],
      ] {
        let run = try draw(model, ["--overwrite"] + more, in: folder)
        #expect(run.code == 0, "\(more): \(run.errors)")
      }
    }
  }

  @Test("sizes are multiples of 16, the text encoder has no embeddings, and no one file is written")
  func refusals() throws {
    try withTemporaryFolder { folder in
      let size = try draw("tiny_flux", ["-W", "72"], in: folder)
      #expect(size.code == 64 && size.errors.contains("multiple of 16"), "\(size.errors)")
      let converted = try Program.run(
        ["convert", fixture("tiny_flux"), "one.safetensors"], in: folder)
      #expect(converted.errors.contains("FluxPipeline"), "\(converted.errors)")
    }
  }
}
