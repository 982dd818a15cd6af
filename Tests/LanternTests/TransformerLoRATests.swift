import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// LoRAs of diffusion transformers in every spelling, against the same weights merged in f64.
@Suite struct TransformerLoRATests {
  /// How a file calls layers, and which of them it has.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let model: String
    /// Modules: in diffusers' names, or in the original code's.
    let isDiffusers: Bool
    let modules: [String]
    /// What stands before a module's name.
    let lead: String
    var isFlat = false
    var factors = (down: "lora_A", up: "lora_B")
    var alpha: Float?
  }

  static let cases = [
    Case(
      testDescription: "FLUX.1 in diffusers' names", model: "tiny_flux", isDiffusers: true,
      modules: [
        "transformer_blocks.0.attn.to_k", "transformer_blocks.1.ff_context.net.0.proj",
        "single_transformer_blocks.1.proj_mlp", "norm_out.linear",
      ], lead: "transformer."),
    Case(
      testDescription: "FLUX.1 in kohya's names", model: "tiny_flux", isDiffusers: false,
      modules: [
        "double_blocks.0.img_attn.qkv", "double_blocks.1.txt_mlp.2", "single_blocks.0.linear1",
        "single_blocks.1.modulation.lin", "final_layer.adaLN_modulation.1", "img_in",
      ], lead: "lora_unet_", isFlat: true, factors: ("lora_down", "lora_up"), alpha: 2),
    Case(
      testDescription: "FLUX.1 in the original names", model: "tiny_flux", isDiffusers: false,
      modules: [
        "double_blocks.1.txt_attn.qkv", "single_blocks.1.linear1", "single_blocks.1.linear2",
      ],
      lead: "diffusion_model."),
    Case(
      testDescription: "FLUX.2 in the original names, as PEFT writes them", model: "tiny_flux2",
      isDiffusers: false,
      modules: [
        "double_blocks.0.img_attn.qkv", "single_blocks.0.linear1",
        "double_stream_modulation_img.lin",
      ], lead: "base_model.model."),
    Case(
      testDescription: "FLUX.2 in diffusers' names", model: "tiny_flux2", isDiffusers: true,
      modules: [
        "single_transformer_blocks.1.attn.to_qkv_mlp_proj", "transformer_blocks.0.attn.to_v",
      ],
      lead: "transformer.", factors: ("lora.down", "lora.up")),
    Case(
      testDescription: "Stable Diffusion 3.5 in kohya's names", model: "tiny_sd3",
      isDiffusers: false,
      modules: [
        "joint_blocks.0.x_block.attn.qkv", "joint_blocks.1.x_block.attn2.qkv",
        "joint_blocks.1.context_block.mlp.fc1", "joint_blocks.2.context_block.adaLN_modulation.1",
        "joint_blocks.0.context_block.adaLN_modulation.1",
      ], lead: "lora_unet_", isFlat: true, factors: ("lora_down", "lora_up"), alpha: 3),
    Case(
      testDescription: "Z-Image in ComfyUI's names", model: "tiny_z_image", isDiffusers: false,
      modules: [
        "layers.0.attention.qkv", "noise_refiner.0.feed_forward.w1", "layers.1.attention.out",
        "cap_embedder.1",
      ], lead: "diffusion_model."),
    Case(
      testDescription: "Z-Image in kohya's names", model: "tiny_z_image", isDiffusers: false,
      modules: [
        "context_refiner.0.attention.qkv", "layers.1.adaLN_modulation.0", "t_embedder.mlp.2",
      ],
      lead: "lora_unet_", isFlat: true, factors: ("lora_down", "lora_up"), alpha: 1),
  ]

  private static let rank = 2

  /// Numbers without a pattern.
  private func numbers(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float((($0 + seed) * 7919 + $0 * $0 * 31) % 211) / 211 - 0.5 }
  }

  /// A weight with `scale · up · down` added in f64.
  private func merged(_ weight: Tensor, _ down: [Float], _ up: [Float], scale: Double) throws
    -> Tensor
  {
    let (rows, columns) = (weight.shape[0], weight.shape[1])
    var values = try weight.converted(to: .float32).floats()
    for row in 0..<rows {
      for column in 0..<columns {
        let product = (0..<Self.rank).reduce(0.0) { sum, r in
          sum + Double(up[row * Self.rank + r]) * Double(down[r * columns + column])
        }
        values[row * columns + column] = Float(
          Double(values[row * columns + column]) + scale * product)
      }
    }
    return try Tensor(values, shape: weight.shape)
  }

  private func latents(_ path: String, _ model: TransformerFixture, _ loras: [LoRA] = []) throws
    -> Tensor
  {
    var parts = ModelParts()
    parts.autoencoder = "\(model.folder)/vae"
    parts.textEncoder = "\(model.folder)/text_encoder"
    if model.name == "tiny_sd3" { parts.textEncoder3 = "\(model.folder)/text_encoder_3" }
    if model.textEncoders.count > 1 {
      parts.textEncoder2 = "\(model.folder)/text_encoder_2"
      parts.tokenizer = "\(model.folder)/tokenizer"
    }
    let generator = try ImageGenerator(
      folder: path, with: parts, adding: loras, precision: .exact)
    #expect(!generator.notes.contains { $0.contains("are not in this model") })
    var request = ImageRequest(prompt: "a red fox, on the beach")
    (request.steps, request.seed, request.width, request.height) = (3, 5, 96, 64)
    let trace = Trace()
    _ = try generator.draw(request, trace: trace)
    return try #require(trace.finalLatent)
  }

  @Test("a LoRA adds what its product adds to the weights", arguments: cases)
  func merging(of one: Case) throws {
    try withTemporaryFolder { folder in
      let model = try TransformerFixture(one.model, in: folder)
      var tensors = try one.isDiffusers ? model.stored("transformer") : model.transformer()
      let plain = "\(folder)/plain.safetensors"
      try SafetensorsFile.write(tensors, to: plain)
      var adapter: TransformerFixture.Tensors = []
      for (seed, module) in one.modules.enumerated() {
        let place = try #require(tensors.firstIndex { $0.name == "\(module).weight" })
        let shape = tensors[place].tensor.shape
        let down = numbers(Self.rank * shape[1], seed)
        let up = numbers(shape[0] * Self.rank, seed + 50)
        let name = one.lead + (one.isFlat ? module.replacing(".", with: "_") : module)
        adapter += [
          ("\(name).\(one.factors.down).weight", try Tensor(down, shape: [Self.rank, shape[1]])),
          ("\(name).\(one.factors.up).weight", try Tensor(up, shape: [shape[0], Self.rank])),
        ]
        if let alpha = one.alpha {
          adapter.append(("\(name).alpha", try Tensor([alpha], shape: [])))
        }
        let scale = 0.75 * Double((one.alpha ?? Float(Self.rank)) / Float(Self.rank))
        tensors[place].tensor = try merged(tensors[place].tensor, down, up, scale: scale)
      }
      let (path, lora) = ("\(folder)/merged.safetensors", "\(folder)/lora.safetensors")
      try SafetensorsFile.write(tensors, to: path)
      try SafetensorsFile.write(adapter, to: lora)
      let found = try latents(plain, model, [LoRA(lora, strength: 0.75)])
      let expected = try latents(path, model)
      let worst = try expectEqual(found, expected, relative: 1e-4, one.testDescription)
      tell(one.testDescription, isFrom: "a merge in f64", by: worst)
      let without = try latents(plain, model)
      let change = try zip(without.floats(), expected.floats()).map { abs($0 - $1) }.max() ?? 0
      #expect(change > 0.02, "\(change)")
    }
  }

  @Test("what cannot be divided among the maps of a joined one is refused by name")
  func refusals() throws {
    try withTemporaryFolder { folder in
      let model = try TransformerFixture("tiny_flux", in: folder)
      let path = "\(folder)/model.safetensors"
      try SafetensorsFile.write(model.transformer(), to: path)
      let lora = "\(folder)/lora.safetensors"
      func complaint(_ tensors: TransformerFixture.Tensors) throws -> String {
        try SafetensorsFile.write(tensors, to: lora)
        do {
          _ = try latents(path, model, [LoRA(lora)])
          return ""
        } catch { return "\(error)" }
      }
      func tensor(_ shape: [Int]) throws -> Tensor { try Tensor(repeating: 0.1, shape: shape) }
      let qkv = "lora_unet_double_blocks_0_img_attn_qkv"
      #expect(
        try complaint([
          ("\(qkv).lokr_w1", tensor([3, 2])), ("\(qkv).lokr_w2", tensor([32, 16])),
        ]).contains("LoKr"))
      let linear = "lora_unet_single_blocks_0_linear1"
      #expect(
        try complaint([
          ("\(linear).lora_down.weight", tensor([2, 32])),
          ("\(linear).lora_up.weight", tensor([90, 2])),
        ]).contains("4 maps"))
      #expect(
        try complaint([
          ("\(qkv).lora_down.weight", tensor([2, 31])), ("\(qkv).lora_up.weight", tensor([96, 2])),
        ]).contains("another model"))
      #expect(
        try complaint([
          ("\(qkv).lora_up.weight", tensor([96, 2]))
        ]).contains("without the rest"))
    }
  }
}
