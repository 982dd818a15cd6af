import LanternFormats
package import LanternTensor
import Foundation

/// The small models of tools/fixtures/tiny_flux.py, tiny_flux2.py, tiny_pixart.py, tiny_sd3.py and tiny_z_image.py in the names of the code that they
/// were published with: what a file of theirs holds.
package struct TransformerFixture {
  package typealias Tensors = [(name: String, tensor: Tensor)]

  /// `tiny_flux`, `tiny_flux2`, `tiny_pixart`, `tiny_sd3` or `tiny_z_image`.
  package let name: String
  /// Its folder, with the settings that a file is taken to have.
  package let folder: String

  /// Copies the folder, and sets what no tensor shows to what the published models have.
  ///
  /// - Parameters:
  ///   - name: the model's.
  ///   - folder: where the copy is made.
  /// - Throws: what copying throws.
  package init(_ name: String, in folder: String) throws {
    (self.name, self.folder) = (name, "\(folder)/\(name)")
    try FileManager.default.copyItem(atPath: fixture(name), toPath: self.folder)
    func set(_ part: String, _ changes: [String: JSONValue]) throws {
      let path = "\(self.folder)/\(part)/config.json"
      let members = try JSON.read(path).object ?? [:]
      try JSON.write(.object(members.merging(changes) { $1 }))
        .write(toFile: path, atomically: true, encoding: .utf8)
    }
    let rope: JSONValue = .object([
      "rope_type": .string("default"), "rope_theta": .integer(1_000_000),
    ])
    switch name {
    case "tiny_flux":
      try set("transformer", ["axes_dims_rope": .array([4, 6, 6])])
      try set("text_encoder", ["num_attention_heads": .integer(1)])
      try set("vae", ["norm_num_groups": .integer(8)])
    case "tiny_flux2":
      try set("transformer", ["axes_dims_rope": .array([4, 4, 4, 4])])
      try set("text_encoder", ["rope_parameters": rope])
    case "tiny_sd3":
      try set("transformer", ["sample_size": .integer(128)])
      for part in ["text_encoder", "text_encoder_2"] {
        let changes: [String: JSONValue] = ["hidden_act": "quick_gelu"]
        try set(part, changes.merging(["num_attention_heads": .integer(1)]) { $1 })
      }
      try set("vae", ["norm_num_groups": .integer(8)])
    case "tiny_pixart":
      try set(
        "transformer", ["num_attention_heads": .integer(16), "attention_head_dim": .integer(3)])
      try set("transformer", ["interpolation_scale": .null])
      try set("vae", ["norm_num_groups": .integer(4)])
    default:
      try set("text_encoder", ["rope_parameters": rope])
      try set("vae", ["norm_num_groups": .integer(8)])
    }
  }

  /// The text encoders' parts.
  package var textEncoders: [String] {
    [
      "tiny_flux": ["text_encoder", "text_encoder_2"],
      "tiny_sd3": ["text_encoder", "text_encoder_2", "text_encoder_3"],
    ][name] ?? ["text_encoder"]
  }

  /// A part's tensors as its folder has them.
  package func stored(_ part: String) throws -> Tensors {
    let stem = part.hasPrefix("text") ? "model" : "diffusion_pytorch_model"
    let file = try SafetensorsFile("\(folder)/\(part)/\(stem).safetensors")
    return try file.names.filter { file.info($0)?.dtype != "I64" }.compactMap { name in
      try file.tensor(name).map { (name, $0) }
    }
  }

  /// The transformer's tensors in the original code's names.
  package func transformer() throws -> Tensors {
    let all = try stored("transformer")
    var found: Tensors = []
    var joined: [String: [Int: Tensor]] = [:]
    for (name, tensor) in all {
      if let (to, place) = joins(name) {
        joined[to, default: [:]][place] = tensor
      } else if name.hasPrefix("norm_out.linear") || isLastTextNorm(name, tensor) {
        let half = tensor.shape[0] / 2
        let halves = try [half..<2 * half, 0..<half].map { try tensor.sliced(axis: 0, $0) }
        found.append((original(name), try Tensor.concatenated(halves, axis: 0)))
      } else {
        found.append((original(name), tensor))
      }
    }
    for (name, parts) in joined.sorted(by: { $0.key < $1.key }) {
      let ordered = parts.sorted { $0.key < $1.key }.map(\.value)
      found.append((name, try Tensor.concatenated(ordered, axis: 0)))
    }
    if self.name == "tiny_pixart" {
      // Places of 16 by 16 tokens, and the empty text, which nothing reads.
      found.append(("pos_embed", try Tensor(repeating: 0, shape: [1, 256, 48])))
      found.append(("y_embedder.y_embedding", try Tensor(repeating: 0, shape: [120, 20])))
    }
    return found
  }

  /// Whether a tensor is of the text's norm in Stable Diffusion 3's last block, of a scale and a shift.
  private func isLastTextNorm(_ name: String, _ tensor: Tensor) -> Bool {
    self.name == "tiny_sd3" && name.contains("norm1_context.linear") && tensor.shape[0] == 2 * 16
  }

  /// The tensor that one is a part of, and which part.
  private func joins(_ name: String) -> (name: String, place: Int)? {
    let isSingle = name.hasPrefix("single_transformer_blocks.")
    let all: [(parts: [String], to: String)] =
      self.name == "tiny_sd3"
      ? [
        (["attn.to_q", "attn.to_k", "attn.to_v"], "x_block.attn.qkv"),
        (["attn2.to_q", "attn2.to_k", "attn2.to_v"], "x_block.attn2.qkv"),
        (["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"], "context_block.attn.qkv"),
      ]
      : isSingle
        ? [(["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"], "linear1")]
        : self.name == "tiny_pixart"
          ? [
            (["attn1.to_q", "attn1.to_k", "attn1.to_v"], "attn.qkv"),
            (["attn2.to_k", "attn2.to_v"], "cross_attn.kv_linear"),
          ]
          : [
            (["attn.to_q", "attn.to_k", "attn.to_v"], "img_attn.qkv"),
            (["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"], "txt_attn.qkv"),
            (["attention.to_q", "attention.to_k", "attention.to_v"], "attention.qkv"),
          ]
    for (parts, to) in all {
      for (place, part) in parts.enumerated() where name.contains(".\(part).") {
        guard !isSingle || self.name == "tiny_flux" else { return nil }
        return (original(name.replacing(part, with: to)), place)
      }
    }
    return nil
  }

  private func original(_ name: String) -> String {
    if name == "scale_shift_table" { return "final_layer.scale_shift_table" }
    var name = name
    let isSingle = name.hasPrefix("single_transformer_blocks.")
    let names: [(String, String)]
    switch self.name {
    case "tiny_flux": names = isSingle ? Self.single : Self.common + Self.flux
    case "tiny_sd3": names = Self.stableDiffusion3
    case "tiny_pixart": names = Self.pixArt
    case "tiny_flux2": names = isSingle ? Self.single2 : Self.common + Self.flux2
    default: names = Self.zImage
    }
    for (from, to) in names { name = name.replacing(from, with: to) }
    return name
  }

  private static let common: [(String, String)] = [
    ("single_transformer_blocks", "single_blocks"), ("transformer_blocks", "double_blocks"),
    ("attn.norm_added_q.weight", "txt_attn.norm.query_norm.scale"),
    ("attn.norm_added_k.weight", "txt_attn.norm.key_norm.scale"),
    ("attn.norm_q.weight", "img_attn.norm.query_norm.scale"),
    ("attn.norm_k.weight", "img_attn.norm.key_norm.scale"), ("attn.to_out.0", "img_attn.proj"),
    ("attn.to_add_out", "txt_attn.proj"), ("x_embedder", "img_in"),
    ("context_embedder", "txt_in"), ("norm_out.linear", "final_layer.adaLN_modulation.1"),
  ]
  private static let flux: [(String, String)] = [
    ("norm1_context.linear", "txt_mod.lin"), ("norm1.linear", "img_mod.lin"),
    ("ff_context.net.0.proj", "txt_mlp.0"), ("ff_context.net.2", "txt_mlp.2"),
    ("ff.net.0.proj", "img_mlp.0"), ("ff.net.2", "img_mlp.2"),
    ("time_text_embed.timestep_embedder.linear_1", "time_in.in_layer"),
    ("time_text_embed.timestep_embedder.linear_2", "time_in.out_layer"),
    ("time_text_embed.text_embedder.linear_1", "vector_in.in_layer"),
    ("time_text_embed.text_embedder.linear_2", "vector_in.out_layer"),
    ("proj_out", "final_layer.linear"),
  ]
  private static let single: [(String, String)] = [
    ("single_transformer_blocks", "single_blocks"), ("norm.linear", "modulation.lin"),
    ("attn.norm_q.weight", "norm.query_norm.scale"),
    ("attn.norm_k.weight", "norm.key_norm.scale"), ("proj_out", "linear2"),
  ]
  private static let flux2: [(String, String)] = [
    ("ff_context.linear_in", "txt_mlp.0"), ("ff_context.linear_out", "txt_mlp.2"),
    ("ff.linear_in", "img_mlp.0"), ("ff.linear_out", "img_mlp.2"),
    ("time_guidance_embed.timestep_embedder.linear_1", "time_in.in_layer"),
    ("time_guidance_embed.timestep_embedder.linear_2", "time_in.out_layer"),
    ("modulation_img.linear", "modulation_img.lin"),
    ("modulation_txt.linear", "modulation_txt.lin"),
    ("single_stream_modulation.linear", "single_stream_modulation.lin"),
    ("proj_out", "final_layer.linear"),
  ]
  private static let single2: [(String, String)] = [
    ("single_transformer_blocks", "single_blocks"), ("attn.to_qkv_mlp_proj", "linear1"),
    ("attn.to_out", "linear2"), ("attn.norm_q.weight", "norm.query_norm.scale"),
    ("attn.norm_k.weight", "norm.key_norm.scale"),
  ]
  private static let stableDiffusion3: [(String, String)] = [
    ("transformer_blocks", "joint_blocks"),
    ("norm1_context.linear", "context_block.adaLN_modulation.1"),
    ("norm1.linear", "x_block.adaLN_modulation.1"),
    ("ff_context.net.0.proj", "context_block.mlp.fc1"),
    ("ff_context.net.2", "context_block.mlp.fc2"), ("ff.net.0.proj", "x_block.mlp.fc1"),
    ("ff.net.2", "x_block.mlp.fc2"), ("attn.norm_added_", "context_block.attn.ln_"),
    ("attn.to_add_out", "context_block.attn.proj"), ("attn2.norm_", "x_block.attn2.ln_"),
    ("attn2.to_out.0", "x_block.attn2.proj"), (".attn.norm_", ".x_block.attn.ln_"),
    (".attn.to_out.0", ".x_block.attn.proj"), ("pos_embed.proj", "x_embedder.proj"),
    ("pos_embed.pos_embed", "pos_embed"),
    ("time_text_embed.timestep_embedder.linear_1", "t_embedder.mlp.0"),
    ("time_text_embed.timestep_embedder.linear_2", "t_embedder.mlp.2"),
    ("time_text_embed.text_embedder.linear_1", "y_embedder.mlp.0"),
    ("time_text_embed.text_embedder.linear_2", "y_embedder.mlp.2"),
    ("norm_out.linear", "final_layer.adaLN_modulation.1"), ("proj_out", "final_layer.linear"),
  ]
  private static let pixArt: [(String, String)] = [
    ("transformer_blocks", "blocks"), ("attn1.to_out.0", "attn.proj"),
    ("attn2.to_q", "cross_attn.q_linear"), ("attn2.to_out.0", "cross_attn.proj"),
    ("ff.net.0.proj", "mlp.fc1"), ("ff.net.2", "mlp.fc2"), ("pos_embed.proj", "x_embedder.proj"),
    ("caption_projection.linear_", "y_embedder.y_proj.fc"),
    ("adaln_single.emb.timestep_embedder.linear_1", "t_embedder.mlp.0"),
    ("adaln_single.emb.timestep_embedder.linear_2", "t_embedder.mlp.2"),
    ("adaln_single.linear", "t_block.1"), ("proj_out", "final_layer.linear"),
  ]
  private static let zImage: [(String, String)] = [
    ("all_x_embedder.2-1", "x_embedder"), ("all_final_layer.2-1", "final_layer"),
    ("attention.to_out.0", "attention.out"), ("attention.norm_q", "attention.q_norm"),
    ("attention.norm_k", "attention.k_norm"),
  ]

  /// The autoencoder's tensors in the original code's names.
  package func autoencoder() throws -> Tensors {
    try stored("vae").map { name, tensor in
      var name = name
      for side in ["encoder", "decoder"] {
        for level in 0..<4 {
          name = name.replacing(
            "\(side).\(side == "encoder" ? "down" : "up")_blocks.\(level).",
            with: side == "encoder" ? "encoder.down.\(level)." : "decoder.up.\(3 - level).")
        }
      }
      for (from, to) in Self.codec { name = name.replacing(from, with: to) }
      if self.name == "tiny_flux2" {
        if name.hasPrefix("quant_conv") { name = "encoder.\(name)" }
        if name.hasPrefix("post_quant_conv") { name = "decoder.\(name)" }
      }
      let isPixel = name.contains("attn_1.") && tensor.shape.count == 2
      return (name, isPixel ? try tensor.reshaped(tensor.shape + [1, 1]) : tensor)
    }
  }

  private static let codec: [(String, String)] = [
    ("mid_block.resnets.0", "mid.block_1"), ("mid_block.resnets.1", "mid.block_2"),
    ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
    ("mid_block.attentions.0.to_q", "mid.attn_1.q"),
    ("mid_block.attentions.0.to_k", "mid.attn_1.k"),
    ("mid_block.attentions.0.to_v", "mid.attn_1.v"),
    ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"), ("resnets.", "block."),
    ("downsamplers.0", "downsample"), ("upsamplers.0", "upsample"),
    ("conv_shortcut", "nin_shortcut"), ("conv_norm_out", "norm_out"),
  ]

  /// A text encoder's tensors with a prefix, as files that hold all parts have them.
  package func textEncoder(_ part: String, below prefix: String) throws -> Tensors {
    try stored(part).map { ("\(prefix)\($0.name)", $0.tensor) }
  }
}
