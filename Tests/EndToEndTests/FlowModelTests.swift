import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

@Suite("lantern image with transformers that predict a flow") struct FlowModelTests {
  private func draw(
    _ model: String, _ more: [String], in folder: String, isFixture: Bool = true
  ) throws -> Program.Run {
    try Program.run(
      [
        "image", "a red fox, on the beach", "-m", isFixture ? fixture(model) : model, "-s", "42",
        "-W", "96", "-H",
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

  @Test(
    "a transformer in one file draws with the parts that options name, and inspect says what it lacks"
  )
  func oneFile() throws {
    try withTemporaryFolder { folder in
      let model = try TransformerFixture("tiny_flux", in: folder)
      try SafetensorsFile.write(model.transformer(), to: "\(folder)/flux.safetensors")
      let inspected = try Program.run(["inspect", "flux.safetensors"], in: folder)
      #expect(inspected.output.contains("flux.safetensors: FLUX.1"), "\(inspected.output)")
      #expect(inspected.output.contains("--text-encoder-2 FILE names one"))
      let lacking = try draw("flux.safetensors", [], in: folder, isFixture: false)
      #expect(
        lacking.errors.contains("no text_encoder;") && lacking.errors.contains("--text-encoder"))
      let parts = [
        "--text-encoder", "\(model.folder)/text_encoder", "--text-encoder-2",
        "\(model.folder)/text_encoder_2", "--vae", "\(model.folder)/vae",
      ]
      let run = try draw(
        "flux.safetensors", parts + ["--tokenizer", model.folder], in: folder, isFixture: false)
      #expect(run.code == 0, "\(run.errors)")
      let bare = "\(folder)/t5.safetensors"
      try SafetensorsFile.write(model.stored("text_encoder_2"), to: bare)
      let silent = try draw(
        "flux.safetensors", parts + ["--text-encoder-2", bare], in: folder, isFixture: false)
      #expect(silent.errors.contains("--tokenizer FOLDER"), "\(silent.errors)")
    }
  }
}
