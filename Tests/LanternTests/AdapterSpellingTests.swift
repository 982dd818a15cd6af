import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// LoRAs for Stable Diffusion XL, and what diffusers draws with them: tools/fixtures/adapter_spellings.py.
@Suite struct AdapterSpellingTests {
  private static let folder = fixture("adapter_spellings")

  /// The last latents of the picture that adapter_spellings/drawn.safetensors is made of.
  private func latents(_ loras: [LoRA]) throws -> Tensor {
    let generator = try ImageGenerator(
      folder: fixture("tiny_xl"), adding: loras, precision: .exact)
    var request = ImageRequest(prompt: "a red fox")
    request.negativePrompt = "the fox"
    (request.seed, request.steps, request.guidance) = (42, 4, 4.5)
    request.literalPrompt = true
    let trace = Trace()
    _ = try generator.draw(request, trace: trace)
    return try #require(trace.finalLatent)
  }

  private func expectDrawn(_ lora: LoRA, _ name: String) throws {
    let drawn = try SafetensorsFile("\(Self.folder)/drawn.safetensors")
    let expected = try #require(try drawn.tensor(name))
    let found = try latents([lora])
    let worst = try expectEqual(
      found.reshaped(expected.shape), expected, relative: 1e-4, name)
    tell("SDXL with a LoRA, \(name),", isFrom: "diffusers", by: worst)
  }

  @Test("a LoRA with the original code's paths and two text encoders draws what diffusers draws")
  func original() throws {
    try expectDrawn(LoRA("\(Self.folder)/xl_ldm.safetensors", strength: 0.7), "ldm")
  }

  @Test("a LoRA of two text encoders in diffusers' names draws what diffusers draws")
  func diffusers() throws {
    try expectDrawn(LoRA("\(Self.folder)/xl_diffusers.safetensors", strength: 0.7), "diffusers")
  }

  @Test("text encoders may have another strength than the U-Net, as with diffusers' set_adapters")
  func twoStrengths() throws {
    let lora = LoRA(
      "\(Self.folder)/xl_diffusers.safetensors", strength: 0.7, textEncoderStrength: 0.3)
    #expect(lora.label == "xl_diffusers.safetensors:0.7:te=0.3")
    try expectDrawn(lora, "two strengths")
  }

  /// The file in another spelling, drawn.
  private func expectRespelled(
    _ name: String, _ respell: (String) -> String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let old = try SafetensorsFile("\(Self.folder)/xl_\(name).safetensors")
    let tensors = try old.names.sorted().map {
      (name: respell($0), tensor: try #require(try old.tensor($0)))
    }
    #expect(tensors.map(\.name) != old.names.sorted(), sourceLocation: sourceLocation)
    try withTemporaryFolder { folder in
      try SafetensorsFile.write(
        tensors.sorted { $0.name < $1.name }, to: "\(folder)/lora.safetensors")
      try expectDrawn(LoRA("\(folder)/lora.safetensors", strength: 0.7), name)
    }
  }

  @Test("ComfyUI's prefixes, and those of other trainers, are the same LoRA")
  func prefixes() throws {
    try expectRespelled("diffusers") {
      $0.replacing("unet.", with: "diffusion_model.")
        .replacing("text_encoder.", with: "text_encoders.clip_l.transformer.")
        .replacing("text_encoder_2.", with: "text_encoders.clip_g.transformer.")
    }
    try expectRespelled("diffusers") {
      $0.replacing("text_encoder.", with: "te1.").replacing("text_encoder_2.", with: "te2.")
        .replacing("lora_A", with: "lora.down").replacing("lora_B", with: "lora.up")
    }
    try expectRespelled("diffusers") {
      $0.replacing("text_encoder.text_model.", with: "text_encoder.text_encoder.")
        .replacing("text_encoder.text_encoder.", with: "text_encoder.")
        .replacing("text_encoder_2.text_model.", with: "text_encoder_2.")
    }
  }

  @Test("PEFT's folders of both text encoders are told apart by their names")
  func folders() throws {
    let old = try SafetensorsFile("\(Self.folder)/xl_diffusers.safetensors")
    try withTemporaryFolder { folder in
      for part in ["unet", "text_encoder", "text_encoder_2"] {
        let tensors = try old.names.filter { $0.hasPrefix("\(part).") }.sorted().map {
          (
            name: "base_model.model." + $0.dropFirst(part.count + 1),
            tensor: try #require(try old.tensor($0))
          )
        }
        #expect(tensors.count > 10)
        let path = "\(folder)/\(part)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try SafetensorsFile.write(tensors, to: "\(path)/adapter_model.safetensors")
        try #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2}"#.write(
          toFile: "\(path)/adapter_config.json", atomically: false, encoding: .utf8)
      }
      try expectDrawn(LoRA(folder, strength: 0.7), "diffusers")
    }
  }

  /// The notes of a generator with some tensors of a LoRA, respelled.
  private func notes(
    keeping isKept: (String) -> Bool = { _ in true }, _ respell: (String) -> String
  ) throws -> [String] {
    let old = try SafetensorsFile("\(Self.folder)/xl_diffusers.safetensors")
    let tensors = try old.names.filter(isKept).map {
      (name: respell($0), tensor: try #require(try old.tensor($0)))
    }
    return try withTemporaryFolder { folder in
      let path = "\(folder)/lora.safetensors"
      try SafetensorsFile.write(tensors.sorted { $0.name < $1.name }, to: path)
      return try ImageGenerator(folder: fixture("tiny_xl"), adding: [LoRA(path)]).notes
    }
  }

  @Test("embeddings that come with a LoRA are noted, and the rest is read")
  func bundle() throws {
    let notes = try notes {
      let layer = "unet.up_blocks.1.resnets.0.conv1"
      return $0.replacing("\(layer).lora_A.weight", with: "bundle_emb.fox.string_to_param.*")
        .replacing("\(layer).lora_B.weight", with: "bundle_emb.cat.string_to_param.*")
    }
    #expect(notes.contains { $0.contains("embeddings are not read") }, "\(notes)")
  }

  @Test("layers that the model lacks are noted with their number, and a file of none is an error")
  func strangers() throws {
    #expect(try !notes { $0 }.contains { $0.contains("layers are not") })
    let some = try notes {
      $0.replacing("up_blocks.1.", with: "up_blocks.7.")
        .replacing("text_encoder.", with: "text_encoder_3.")
    }
    let names = try SafetensorsFile("\(Self.folder)/xl_diffusers.safetensors").names
    let strange = Set(
      names.filter { $0.contains("up_blocks.1.") || $0.hasPrefix("text_encoder.") }.map {
        String($0.split(separator: ".lora_")[0])
      })
    #expect(
      some.contains {
        $0.contains("\(strange.count) of its 66 layers are not in this model")
          && $0.contains("\"text_encoder_3.text_model.encoder.layers.0.mlp.fc1\"")
      }, "\(some)")
    #expect {
      try notes(keeping: { $0.contains("up_blocks.1.") }) {
        $0.replacing("up_blocks.1.", with: "up_blocks.7.")
      }
    } throws: {
      "\($0)".contains("none of its") && "\($0)".contains("up_blocks.7")
        && "\($0)".contains("for another model")
    }
  }
}
