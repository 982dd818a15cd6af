import Foundation
import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// SANA's and SANA-Sprint's transformer in files of their own: tools/fixtures/tiny_sana.py's in the names that
/// github.com/NVlabs/Sana gives its tensors.
@Suite struct SanaFileTests {
  private typealias Tensors = [(name: String, tensor: Tensor)]

  private static let names = [
    ("transformer_blocks.", "blocks."), ("patch_embed.proj", "x_embedder.proj"),
    ("patch_embed.pos_embed", "pos_embed"), ("caption_norm", "attention_y_norm"),
    ("caption_projection.linear_1", "y_embedder.y_proj.fc1"),
    ("caption_projection.linear_2", "y_embedder.y_proj.fc2"),
    ("time_embed.emb.", "time_embed."), ("time_embed.linear", "t_block.1"),
    ("time_embed.timestep_embedder.linear_1", "t_embedder.mlp.0"),
    ("time_embed.timestep_embedder.linear_2", "t_embedder.mlp.2"),
    ("time_embed.guidance_embedder.linear_1", "cfg_embedder.mlp.0"),
    ("time_embed.guidance_embedder.linear_2", "cfg_embedder.mlp.2"),
    ("proj_out", "final_layer.linear"), ("attn1.to_out.0", "attn.proj"),
    ("attn1.norm_q", "attn.q_norm"), ("attn1.norm_k", "attn.k_norm"),
    ("attn2.to_q", "cross_attn.q_linear"), ("attn2.to_out.0", "cross_attn.proj"),
    ("attn2.norm_q", "cross_attn.q_norm"), ("attn2.norm_k", "cross_attn.k_norm"),
    ("ff.conv_inverted", "mlp.inverted_conv.conv"), ("ff.conv_depth", "mlp.depth_conv.conv"),
    ("ff.conv_point", "mlp.point_conv.conv"),
  ]

  /// Tensors in the names of SANA's own code.
  private func original(_ all: Tensors) throws -> Tensors {
    var joined: [String: [String: Tensor]] = [:]
    var found: Tensors = []
    for (name, tensor) in all {
      if name == "scale_shift_table" {
        found.append(("final_layer.scale_shift_table", tensor))
        continue
      }
      let name = Self.names.reduce(name) { $0.replacing($1.0, with: $1.1) }
      let last = ["attn1.to_q", "attn1.to_k", "attn1.to_v", "attn2.to_k", "attn2.to_v"].first {
        name.contains($0)
      }
      if let last {
        let to = last.hasPrefix("attn1") ? "attn.qkv" : "cross_attn.kv_linear"
        joined[name.replacing(last, with: to), default: [:]][last] = tensor
      } else {
        found.append((name, tensor))
      }
    }
    for (name, parts) in joined.sorted(by: { $0.key < $1.key }) {
      let ordered = ["attn1.to_q", "attn1.to_k", "attn1.to_v", "attn2.to_k", "attn2.to_v"]
      let tensors = ordered.compactMap { parts[$0] }
      found.append((name, try Tensor.concatenated(tensors, axis: 0)))
    }
    return found + [("y_embedder.y_embedding", try Tensor(repeating: 0, shape: [300, 12]))]
  }

  /// Runs a test on a copy of a model, with the heads that a file of its size is taken to have.
  private func with(_ name: String, _ body: (String, ImageRequest, Tensors) throws -> Void) throws {
    let reference = try TinyPipeline("tiny_sana")
    try withTemporaryFolder { folder in
      let copy = "\(folder)/model"
      try reference.withGenerator(name) {
        try FileManager.default.copyItem(atPath: $0.model.path, toPath: copy)
      }
      let heads = [
        ("num_attention_heads", 1), ("attention_head_dim", 32), ("num_cross_attention_heads", 16),
        ("cross_attention_head_dim", 2),
      ]
      for (key, value) in heads {
        try TinyPipeline.set(key, .integer(value), "\(copy)/transformer/config.json")
      }
      let file = try SafetensorsFile("\(copy)/transformer/diffusion_pytorch_model.safetensors")
      var tensors: Tensors = try file.names.map { ($0, try #require(try file.tensor($0))) }
      // Places of 16 by 16 tokens, by which the size of training is known.
      tensors.append(("patch_embed.pos_embed", try Tensor(repeating: 0, shape: [1, 256, 32])))
      try body(copy, reference.request(name), tensors)
    }
  }

  @Test(
    "a transformer in one file, in SANA's own names, below a prefix or in diffusers', draws what its folder draws",
    arguments: ["text", "sprint"])
  func transformers(name: String) throws {
    try with(name) { copy, request, tensors in
      let own = try original(tensors)
      #expect(own.contains { $0.name == "cfg_embedder.mlp.0.weight" } == (name == "sprint"))
      #expect(own.contains { $0.name == "blocks.1.cross_attn.k_norm.weight" } == (name == "sprint"))
      let wanted = try ImageGenerator(folder: copy, precision: .exact).draw(request)
      #expect(Set(wanted.picture.pixels).count > 20)
      var parts = ModelParts()
      (parts.autoencoder, parts.textEncoder) = ("\(copy)/vae", "\(copy)/text_encoder")
      let prefixed = own.map { ("model.diffusion_model.\($0.name)", $0.tensor) }
      for (number, tensors) in [own, prefixed, tensors].enumerated() {
        let path = "\(copy)/\(number).safetensors"
        try SafetensorsFile.write(tensors, to: path)
        let found = try ImageGenerator(folder: path, with: parts, precision: .exact).draw(request)
        #expect(found.picture.pixels == wanted.picture.pixels, "\(number)")
        #expect(found.settings == wanted.settings, "\(number)")
      }
    }
  }

  @Test("what a file lacks, and sizes that cannot be, are told by name")
  func refusals() throws {
    try with("text") { copy, _, tensors in
      let path = "\(copy)/one.safetensors"
      let own = try original(tensors)
      func error(_ tensors: Tensors, _ autoencoder: String?) throws -> String {
        try SafetensorsFile.write(tensors, to: path)
        var parts = ModelParts()
        (parts.autoencoder, parts.textEncoder) = (autoencoder, "\(copy)/text_encoder")
        let found = #expect(throws: (any Error).self) {
          try ImageGenerator(folder: path, with: parts, precision: .exact)
        }
        return found.map { "\($0)" } ?? ""
      }
      #expect(try error(own, nil).contains("vae"))
      let weights = "\(copy)/vae/diffusion_pytorch_model.safetensors"
      #expect(try error(own, weights).contains("autoencoder"))
      let narrow = try own.map { name, tensor in
        name.hasPrefix("x_embedder")
          ? (name, try tensor.sliced(axis: 0, 0..<24).contiguous()) : (name, tensor)
      }
      #expect(try error(narrow, "\(copy)/vae").contains("24 features"))
    }
  }
}
