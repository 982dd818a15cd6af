import Foundation
import LanternFormats
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
}
