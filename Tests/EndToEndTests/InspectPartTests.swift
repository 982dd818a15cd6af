import Foundation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Folders that are no whole model.
@Suite("lantern inspect of a part") struct InspectPartTests {
  private func inspect(_ path: String, _ more: String...) throws -> Program.Run {
    try Program.run(["inspect", path] + more, in: "/")
  }

  @Test(
    "a folder of a ControlNet, or of any network by itself, is described",
    arguments: [
      ("tiny_control/first", "ControlNetModel"), ("tiny_pipeline/unet", "UNet2DConditionModel"),
      ("tiny_pipeline/vae", "AutoencoderKL"), ("tiny_xl/text_encoder_2", "CLIPTextModel"),
    ])
  func networks(name: String, kind: String) throws {
    let run = try inspect(fixture(name))
    #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
    #expect(run.output.contains("\(name): \(kind)") && run.output.contains("M parameters"))
    let event = try #require(try inspect(fixture(name), "--json").events().first)
    #expect(event["event"]?.string == "part" && event["is_read"]?.bool == true)
  }

  @Test(
    "a transformer's file within its model's folder is described",
    arguments: [("tiny_flux", "FLUX.1"), ("tiny_sana", "SANA"), ("tiny_pixart", "PixArt")])
  func transformers(name: String, kind: String) throws {
    let path = fixture("\(name)/transformer/diffusion_pytorch_model.safetensors")
    let run = try inspect(path)
    #expect(run.code == 0 && run.output.contains("safetensors: \(kind)"), "\(run)")
    #expect(run.output.contains("--text-encoder FILE names one"), "\(run.output)")
  }

  @Test("the shipped judge is described, a damaged one refused")
  func judge() throws {
    let run = try inspect(repositoryPath("weights/judge"))
    #expect(run.code == 0 && run.errors.isEmpty && run.output.contains("judge: judge"), "\(run)")
    try withTemporaryFolder { folder in
      let path = "\(folder)/judge"
      try FileManager.default.copyItem(atPath: repositoryPath("weights/judge"), toPath: path)
      let config = URL(fileURLWithPath: "\(path)/config.json")
      let text = try String(contentsOf: config, encoding: .utf8)
      try text.replacing("\"layers_per_block\": ", with: "\"layers_per_block\": 1").write(
        to: config, atomically: true, encoding: .utf8)
      let damaged = try inspect(path)
      #expect(damaged.code == 65 && damaged.errorLines.count == 1, "\(damaged.errors)")
    }
  }

  @Test("one of a class that Lantern does not read is described as that, a damaged one refused")
  func otherNetworks() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/net"
      try FileManager.default.copyItem(atPath: fixture("tiny_control/first"), toPath: path)
      let config = URL(fileURLWithPath: "\(path)/config.json")
      let text = try String(contentsOf: config, encoding: .utf8)
      try text.replacing("ControlNetModel", with: "PriorTransformer").write(
        to: config, atomically: true, encoding: .utf8)
      let run = try inspect(path)
      #expect(run.code == 0 && run.output.contains("PriorTransformer, which Lantern does not read"))
      #expect(try inspect(path, "--json").events().first?["is_read"]?.bool == false)
      try text.replacing("\"block_out_channels\": [", with: "\"block_out_channels\": [8, ").write(
        to: config, atomically: true, encoding: .utf8)
      let damaged = try inspect(path)
      #expect(damaged.code == 65 && damaged.errorLines.count == 1, "\(damaged.errors)")
    }
  }

  @Test("a folder of an adapter tells its kind and PEFT's settings")
  func adapters() throws {
    let folder = fixture("lora/peft_folders/rslora")
    let run = try inspect(folder)
    #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
    for word in ["a LoRA in PEFT's", "use_rslora: true", "r: ", "lora_alpha: "] {
      #expect(run.output.contains(word), "\(run.output)")
    }
    let event = try #require(try inspect(folder, "--json").events().first)
    #expect(event["settings"]?.object?["use_rslora"]?.bool == true)
  }

  @Test("an embedding under a word of its own is known, with whose text encoder it is for")
  func embeddings() throws {
    try withTemporaryFolder { folder in
      for (width, model) in [(192, "the shipped picturebook"), (768, "Stable Diffusion 1")] {
        let path = "\(folder)/turquoise.safetensors"
        try SafetensorsFile.write(
          [("turquoise", try Tensor(repeating: 1, shape: [2, width]))], to: path)
        let run = try inspect(path)
        #expect(run.output.contains("vectors of textual inversion"), "\(run.output)")
        let line = "turquoise: 2 vectors of \(width) features, as \(model) has"
        #expect(run.output.contains(line), "\(run.output)")
        let event = try #require(try inspect(path, "--json").events().first)
        #expect(event["is_read"]?.bool == true)
        #expect(event["words"]?.array?.first?.object?["model"]?.string == model)
      }
      // A matrix of a model is none.
      try SafetensorsFile.write(
        [("w", try Tensor(repeating: 1, shape: [80, 192]))], to: "\(folder)/w.safetensors")
      #expect(try inspect("\(folder)/w.safetensors", "--json").events().first?["kind"] == .null)
    }
    let pair = try inspect(fixture("textual_inversion/xl.safetensors"))
    #expect(pair.output.contains("vectors of textual inversion"), "\(pair.output)")
  }
}
