import Foundation
import Lantern
import LanternFormats
import LanternLayers
import LanternTensor
import TestSupport
import Testing

/// LoRAs in each spelling, and what diffusers draws with them: tools/fixtures/lora.py.
@Suite struct LoRATests {
  private static func file(_ name: String) -> String { fixture("lora/\(name).safetensors") }

  private func expectParity(_ loras: [LoRA], _ name: String) throws {
    try expectDrawn(loras, name)
  }

  @Test(
    "a LoRA in PEFT's, kohya's and older diffusers' spelling draws what diffusers draws with it",
    arguments: [("peft", 0.7), ("kohya", 1), ("older", -0.5), ("metadata", 1)] as [(String, Float)])
  func parity(name: String, strength: Float) throws {
    try expectParity([LoRA(Self.file(name), strength: strength)], name)
  }

  @Test("other spellings of the same file draw the same", arguments: ["peft", "older", "kohya"])
  func spellings(name: String) throws {
    let old = try SafetensorsFile(Self.file(name))
    var tensors: [(name: String, tensor: Tensor)] = []
    for key in old.names {
      var respelled = key
      switch name {
      case "peft":
        respelled = key.replacing("text_encoder.text_model.", with: "base_model.model.text_model.")
          .replacing("unet.", with: "base_model.model.").replacing(
            ".weight", with: ".default.weight")
      case "older": respelled = key.replacing("unet.", with: "").replacing("processor.", with: "")
      default:
        respelled = key.replacing("lora_te_", with: "text_encoder.")
          .replacing("_self_attn_q_proj.lora_", with: ".self_attn.to_q_lora.")
          .replacing("_self_attn_out_proj.lora_", with: ".self_attn.to_out_lora.")
      }
      var tensor = try #require(try old.tensor(key))
      // Alphas that are whole numbers are common; this one is 3 halves.
      if key.hasSuffix(".alpha") { tensor = try Tensor([try tensor.floats()[0]], shape: [1]) }
      tensors.append((respelled, tensor))
    }
    if name == "kohya" {
      #expect(tensors.contains { $0.name.contains("to_out_lora.down") })
      tensors = tensors.map { ($0.name.replacing("q_proj.alpha", with: "to_q.alpha"), $0.tensor) }
      tensors = tensors.map { name, tensor in
        (
          name.hasPrefix("text_encoder.")
            ? name.replacing("_self_attn_", with: ".self_attn.") : name, tensor
        )
      }
    }
    try withTemporaryFolder { folder in
      let path = "\(folder)/respelled.safetensors"
      try SafetensorsFile.write(tensors.sorted { $0.name < $1.name }, to: path)
      let strength: Float = ["peft": 0.7, "older": -0.5][name] ?? 1
      try expectParity([LoRA(path, strength: strength)], name)
    }
  }

  @Test("several add up as in diffusers")
  func several() throws {
    let both = [
      LoRA(Self.file("kohya"), strength: 0.5), LoRA(Self.file("older"), strength: 0.25),
    ]
    try expectParity(both, "both")
  }

  @Test("none of one changes nothing")
  func none() throws {
    func picture(_ loras: [LoRA]) throws -> Picture {
      let generator = try ImageGenerator(
        folder: TinyPipeline.folder, adding: loras, precision: .exact)
      var request = ImageRequest(prompt: "a red fox")
      request.seed = 42
      request.steps = 2
      return try generator.draw(request).picture
    }
    #expect(try picture([LoRA(Self.file("peft"), strength: 0)]).pixels == picture([]).pixels)
  }

  /// What is said of a changed LoRA.
  private func complaint(
    _ name: String, _ change: (inout [String: Tensor]) throws -> Void
  ) throws -> String {
    let old = try SafetensorsFile(Self.file(name))
    var tensors: [String: Tensor] = [:]
    for name in old.names { tensors[name] = try old.tensor(name) }
    try change(&tensors)
    return try withTemporaryFolder { folder in
      let path = "\(folder)/changed.safetensors"
      let sorted = tensors.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) }
      try SafetensorsFile.write(sorted, to: path)
      do {
        _ = try ImageGenerator(folder: TinyPipeline.folder, adding: [LoRA(path)])
        return ""
      } catch {
        return "\(error)".replacing("\(folder)/", with: "")
      }
    }
  }

  @Test("what is no LoRA, one of another kind, and one for another model are refused by name")
  func strangers() throws {
    let plain = "\(TinyPipeline.folder)/vae/diffusion_pytorch_model.safetensors"
    #expect {
      try ImageGenerator(folder: TinyPipeline.folder, adding: [LoRA(plain)])
    } throws: {
      "\($0)".contains("nothing of a LoRA for the U-Net or the text encoder: this is an auto")
    }
    let layer = "lora_unet_mid_block_attentions_0_proj_in"
    #expect(
      try complaint("kohya") { $0["\(layer).dora_scale"] = try Tensor(repeating: 1, shape: [4]) }
        .contains("dora_scale"))
    #expect(
      try complaint("kohya") { $0["\(layer).lora_up.weight"] = nil }
        .contains("without the rest of its layer"))
    for (factor, shape) in [
      ("down", [2, 5]), ("up", [7, 2]), ("down", [1 << 40, 0]), ("up", [16]),
    ] {
      let said = try complaint("kohya") {
        $0["\(layer).lora_\(factor).weight"] = try Tensor(repeating: 1, shape: shape)
      }
      #expect(said.contains("lora_\(factor).weight\" has shape \(shape)"))
      #expect(said.contains("for another model"))
    }
    for (name, said) in [
      ("model.diffusion_model.input_blocks.0.0.weight", "original code (LDM)"),
      ("double_blocks.0.processor.proj_lora1.down.weight", "XLabs"),
      ("\(layer).oft_blocks", "OFT"), ("\(layer).oft_diag", "OFT"),
      ("\(layer).on_input", "IA³"), ("\(layer).a1.weight", "GLoRA"),
      ("\(layer).set_weight", "replaced"), ("\(layer).reshape_weight", "widened"),
      ("base_model.model.conv_out.weight", "saved whole"),
      ("base_model.model.conv_out.base_layer.bias", "saved whole"),
      ("base_model.model.embeddings.token_embedding.token_adapter.trainable_tokens_delta", "words"),
      ("emb_params", "textual inversion"), ("<toy>", "textual inversion"),
    ] {
      let complaint = try complaint("kohya") { $0[name] = try Tensor(repeating: 1, shape: [4]) }
      #expect(complaint.contains("\"\(name)\" is ") && complaint.contains(said), "\(complaint)")
    }
    #expect(
      try complaint("kohya") {
        $0["\(layer).lora_up.weight"] = try Tensor(repeating: .nan, shape: [16, 2])
      }.contains("NaN"))
  }

  @Test("a strength that is no number is refused")
  func strength() {
    #expect(throws: RequestError.self) {
      try ImageGenerator(
        folder: TinyPipeline.folder, adding: [LoRA(Self.file("peft"), strength: .nan)])
    }
  }

  @Test("a folder that says how to draw in few steps is drawn so; another says that it does not")
  func fast() throws {
    #expect(throws: RequestError.self) {
      try ImageGenerator(folder: TinyPipeline.folder, isFast: true)
    }
    try withTemporaryFolder { folder in
      let model = "\(folder)/model"
      try FileManager.default.copyItem(atPath: TinyPipeline.folder, toPath: model)
      try FileManager.default.copyItem(
        atPath: Self.file("peft"), toPath: "\(model)/fast.safetensors")
      let settings =
        #"{"steps": 20, "guidance": 3, "fast": {"sampler": "lcm", "steps": 3, "guidance": 1}}"#
      try settings.write(toFile: "\(model)/lantern.json", atomically: false, encoding: .utf8)
      let slow = try ImageGenerator(folder: model)
      let fast = try ImageGenerator(folder: model, isFast: true)
      var request = ImageRequest(prompt: "a red fox")
      request.seed = 42
      let drawn = try fast.draw(request)
      #expect(drawn.settings.sampler == "lcm")
      #expect(drawn.settings.steps == 3)
      #expect(drawn.modelCalls == 3)
      #expect(try slow.draw(request).settings.steps == 20)
      let again = try #require(try PictureRecipe(drawn.picture.metadata))
      #expect(again.isFast && again.loras.isEmpty)
      // It is another picture than the same settings draw without, and other LoRAs add up with it.
      var same = request
      (same.sampler, same.steps, same.guidance) = ("lcm", 3, 1)
      let without = try slow.draw(same).picture
      #expect(drawn.picture.pixels != without.pixels)
      let more = try ImageGenerator(folder: model, adding: [LoRA(Self.file("kohya"))], isFast: true)
      #expect(try more.draw(request).picture.pixels != drawn.picture.pixels)
      let added = try ImageGenerator(
        folder: model, adding: [LoRA("\(model)/fast.safetensors", strength: 0.5)])
      #expect(try added.draw(same).recipe.loras == ["fast.safetensors:0.5"])
    }
  }
}
