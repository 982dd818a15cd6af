import LanternFormats
import LanternLayers

// The settings of diffusion transformers, by their tensors in diffusers' names. How a head's features are shared out to
// the axes of positions is no size of a tensor: in proportion as the published models have it.
extension ShapeSettings {
  /// Of a `FluxTransformer2DModel`.
  ///
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank, and for models that take edges or depths.
  func flux() throws(ModelError) -> [String: JSONValue] {
    let (inputs, outputs) = (
      try size("x_embedder.weight", axis: 1), try size("proj_out.weight", axis: 0)
    )
    // Fill is given another picture's latent and a mask, of 8 by 8 pixels for each of a token's four latents.
    guard inputs == outputs || inputs == 2 * outputs + 256 else {
      throw .unsupported(
        what: "is a FLUX.1 that is given a picture too (Canny or Depth), of \(inputs) inputs",
        file: path)
    }
    let head = try headSize("transformer_blocks.0.attn.norm_q.weight", of: "x_embedder.weight")
    // 16, 56 and 56 of 128.
    let first = (head.size / 8 + 3) / 4 * 4
    return [
      "_class_name": .string("FluxTransformer2DModel"),
      "in_channels": .integer(inputs), "out_channels": .integer(outputs),
      "num_layers": .integer(count(1024) { "transformer_blocks.\($0).norm1.linear.weight" }),
      "num_single_layers": .integer(
        count(1024) { "single_transformer_blocks.\($0).norm.linear.weight" }),
      "attention_head_dim": .integer(head.size), "num_attention_heads": .integer(head.count),
      "joint_attention_dim": .integer(try size("context_embedder.weight", axis: 1)),
      "pooled_projection_dim": .integer(
        try size("time_text_embed.text_embedder.linear_1.weight", axis: 1)),
      "guidance_embeds": .bool(has("time_text_embed.guidance_embedder.linear_1.weight")),
      "axes_dims_rope": .array(
        [first, (head.size - first) / 2, (head.size - first) / 2].map(JSONValue.integer)),
    ]
  }

  /// Of a `Flux2Transformer2DModel`.
  ///
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func flux2() throws(ModelError) -> [String: JSONValue] {
    let head = try headSize("transformer_blocks.0.attn.norm_q.weight", of: "x_embedder.weight")
    let inner = try size("transformer_blocks.0.ff.linear_out.weight", axis: 1)
    let timestep = "time_guidance_embed.timestep_embedder.linear_1.weight"
    return [
      "_class_name": .string("Flux2Transformer2DModel"),
      "in_channels": .integer(try size("x_embedder.weight", axis: 1)),
      "out_channels": .integer(try size("proj_out.weight", axis: 0)),
      "num_layers": .integer(count(1024) { "transformer_blocks.\($0).attn.to_q.weight" }),
      "num_single_layers": .integer(
        count(1024) { "single_transformer_blocks.\($0).attn.to_out.weight" }),
      "attention_head_dim": .integer(head.size), "num_attention_heads": .integer(head.count),
      "joint_attention_dim": .integer(try size("context_embedder.weight", axis: 1)),
      "timestep_guidance_channels": .integer(try size(timestep, axis: 1)),
      "mlp_ratio": .number(Double(inner) / Double(head.size * head.count)),
      "guidance_embeds": .bool(has("time_guidance_embed.guidance_embedder.linear_1.weight")),
      "axes_dims_rope": .array((0..<4).map { _ in .integer(head.size / 4) }),
    ]
  }

  /// Of a `SD3Transformer2DModel`.
  ///
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func stableDiffusion3() throws(ModelError) -> [String: JSONValue] {
    let (embedder, norm) = ("context_embedder.weight", "transformer_blocks.0.attn.norm_q.weight")
    let features = try size(embedder, axis: 0)
    let hasNorms = has(norm)
    // Heads of 64 are all published ones'.
    let head = hasNorms ? try headSize(norm, of: embedder) : (size: 64, count: features / 64)
    let positions = try size("pos_embed.pos_embed", axis: 1)
    let side = Int(Double(max(0, min(positions, 1 << 24))).squareRoot().rounded())
    let layers = count(1024) { "transformer_blocks.\($0).norm1.linear.weight" }
    return [
      "_class_name": .string("SD3Transformer2DModel"), "sample_size": .integer(128),
      "in_channels": .integer(try size("pos_embed.proj.weight", axis: 1)),
      "out_channels": .integer(try size("proj_out.weight", axis: 0) / 4),
      "num_layers": .integer(layers), "attention_head_dim": .integer(head.size),
      "num_attention_heads": .integer(head.count),
      "joint_attention_dim": .integer(try size(embedder, axis: 1)),
      "caption_projection_dim": .integer(features),
      "pooled_projection_dim": .integer(
        try size("time_text_embed.text_embedder.linear_1.weight", axis: 1)),
      "pos_embed_max_size": .integer(side),
      "dual_attention_layers": .array(
        (0..<layers).filter { has("transformer_blocks.\($0).attn2.to_q.weight") }
          .map(JSONValue.integer)),
      "qk_norm": hasNorms ? .string("rms_norm") : .null,
    ]
  }

  /// Of a `PixArtTransformer2DModel`.
  ///
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func pixArt() throws(ModelError) -> [String: JSONValue] {
    let embedder = "pos_embed.proj.weight"
    let features = try size(embedder, axis: 0)
    // All published ones have 16 heads.
    guard features % 16 == 0, (16...1 << 20).contains(features) else {
      throw .inconsistent(
        reason: "16 heads do not share out the \(features) features of a token", file: path)
    }
    // The original code keeps the places of its training; of 1024² pixels where a file does not.
    let stored = "pos_embed.pos_embed"
    let places = has(stored) ? try size(stored, axis: 1) : 4096
    let side = 2 * Int(Double(max(1, min(places, 1 << 24))).squareRoot().rounded())
    return [
      "_class_name": .string("PixArtTransformer2DModel"), "sample_size": .integer(side),
      "in_channels": .integer(try size(embedder, axis: 1)),
      "out_channels": .integer(try size("proj_out.weight", axis: 0) / 4),
      "num_layers": .integer(count(1024) { "transformer_blocks.\($0).attn1.to_q.weight" }),
      "num_attention_heads": .integer(16), "attention_head_dim": .integer(features / 16),
      "cross_attention_dim": .integer(features),
      "caption_channels": .integer(try size("caption_projection.linear_1.weight", axis: 1)),
      "use_additional_conditions": .bool(
        has("adaln_single.emb.resolution_embedder.linear_1.weight")),
    ]
  }

  /// Of a `SanaTransformer2DModel`.
  ///
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func sana() throws(ModelError) -> [String: JSONValue] {
    let embedder = "patch_embed.proj.weight"
    let (features, patch) = (try size(embedder, axis: 0), try size(embedder, axis: 2))
    // Own heads of all published ones have 32 features; the text's are 20, or 16 of the small ones.
    let heads = features % 20 == 0 ? 20 : 16
    guard features % 32 == 0, features % heads == 0, (32...1 << 20).contains(features),
      (1...1024).contains(patch)
    else {
      throw .inconsistent(
        reason: "heads of 32 do not share out the \(features) features of a token", file: path)
    }
    // The original code keeps the places of its training, and adds them from 2048² pixels on.
    let stored = "patch_embed.pos_embed"
    let places = has(stored) ? try size(stored, axis: 1) : 1024
    let side = Int(Double(max(1, min(places, 1 << 24))).squareRoot().rounded())
    let embedsGuidance = has("time_embed.guidance_embedder.linear_1.weight")
    let inner = try size("transformer_blocks.0.ff.conv_point.weight", axis: 1)
    return [
      "_class_name": .string("SanaTransformer2DModel"), "sample_size": .integer(side * patch),
      "in_channels": .integer(try size(embedder, axis: 1)), "patch_size": .integer(patch),
      "out_channels": .integer(try size("proj_out.weight", axis: 0) / (patch * patch)),
      "num_layers": .integer(count(1024) { "transformer_blocks.\($0).attn1.to_q.weight" }),
      "num_attention_heads": .integer(features / 32), "attention_head_dim": .integer(32),
      "num_cross_attention_heads": .integer(heads),
      "cross_attention_head_dim": .integer(features / heads),
      "cross_attention_dim": .integer(features),
      "caption_channels": .integer(try size("caption_projection.linear_1.weight", axis: 1)),
      "mlp_ratio": .number(Double(inner) / Double(features)),
      "attention_bias": .bool(has("transformer_blocks.0.attn1.to_q.bias")),
      "guidance_embeds": .bool(embedsGuidance),
      "timestep_scale": .integer(embedsGuidance ? 1000 : 1),
      "interpolation_scale": side >= 64 ? .integer(side / 64) : .null,
      "qk_norm": has("transformer_blocks.0.attn1.norm_q.weight")
        ? .string("rms_norm_across_heads") : .null,
    ]
  }

  /// Of a `ZImageTransformer2DModel`.
  ///
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func zImage() throws(ModelError) -> [String: JSONValue] {
    let embedder = "all_x_embedder.2-1.weight"
    let norm = "layers.0.attention.norm_q.weight"
    let head = try headSize(norm, of: embedder)
    // 32, 48 and 48 of 128.
    let first = (head.size / 4 + 1) / 2 * 2
    return [
      "_class_name": .string("ZImageTransformer2DModel"),
      "in_channels": .integer(try size(embedder, axis: 1) / 4),
      "dim": .integer(head.size * head.count), "n_heads": .integer(head.count),
      "n_layers": .integer(count(1024) { "layers.\($0).attention.to_q.weight" }),
      "n_refiner_layers": .integer(count(1024) { "noise_refiner.\($0).attention.to_q.weight" }),
      "cap_feat_dim": .integer(try size("cap_embedder.0.weight", axis: 0)),
      "axes_dims": .array(
        [first, (head.size - first) / 2, (head.size - first) / 2].map(JSONValue.integer)),
    ]
  }

  /// Features of a head, and how many heads there are.
  private func headSize(_ norm: String, of embedder: String) throws(ModelError) -> (
    size: Int, count: Int
  ) {
    let (size, features) = (try size(norm, axis: 0), try self.size(embedder, axis: 0))
    guard (1...features).contains(size), features % size == 0, features <= 1 << 20 else {
      throw .inconsistent(
        reason: "heads of \(size) features do not share out the \(features) of a token", file: path)
    }
    return (size, features / size)
  }
}

// The settings of text encoders in transformers' names.
extension ShapeSettings {
  /// Of a `T5EncoderModel`.
  ///
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func t5() throws(ModelError) -> [String: JSONValue] {
    let table = has("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight"
    let first = "encoder.block.0.layer"
    let biases = "\(first).0.SelfAttention.relative_attention_bias.weight"
    let heads = try size(biases, axis: 1)
    let isGated = has("\(first).1.DenseReluDense.wi_0.weight")
    let queries = try size("\(first).0.SelfAttention.q.weight", axis: 0)
    guard heads > 0, queries % heads == 0 else {
      throw .inconsistent(
        reason: "\(heads) heads do not share out \(queries) features of queries", file: path)
    }
    return [
      "architectures": .array([.string("T5EncoderModel")]),
      "vocab_size": .integer(try size(table, axis: 0)),
      "d_model": .integer(try size(table, axis: 1)), "d_kv": .integer(queries / heads),
      "num_heads": .integer(heads),
      "d_ff": .integer(
        try size("\(first).1.DenseReluDense.\(isGated ? "wi_0" : "wi").weight", axis: 0)),
      "num_layers": .integer(
        count(1024) { "encoder.block.\($0).layer.0.SelfAttention.q.weight" }),
      "relative_attention_num_buckets": .integer(try size(biases, axis: 0)),
      "feed_forward_proj": .string(isGated ? "gated-gelu" : "relu"),
    ]
  }

  /// Of a `Qwen3ForCausalLM`.
  ///
  /// - Throws: ``ModelError`` for tensors that are missing or of another rank.
  func qwen3() throws(ModelError) -> [String: JSONValue] {
    let root = has("model.embed_tokens.weight") ? "model." : ""
    let first = "\(root)layers.0"
    let head = try size("\(first).self_attn.q_norm.weight", axis: 0)
    let rows = try (
      queries: size("\(first).self_attn.q_proj.weight", axis: 0),
      keys: size("\(first).self_attn.k_proj.weight", axis: 0)
    )
    guard head > 0, rows.queries % head == 0, rows.keys % head == 0 else {
      throw .inconsistent(
        reason: "heads of \(head) features do not share out \(rows.queries) of queries and "
          + "\(rows.keys) of keys", file: path)
    }
    return [
      "architectures": .array([.string("Qwen3ForCausalLM")]),
      "vocab_size": .integer(try size("\(root)embed_tokens.weight", axis: 0)),
      "hidden_size": .integer(try size("\(root)embed_tokens.weight", axis: 1)),
      "intermediate_size": .integer(try size("\(first).mlp.gate_proj.weight", axis: 0)),
      "num_hidden_layers": .integer(
        count(1024) { "\(root)layers.\($0).self_attn.q_proj.weight" }),
      "num_attention_heads": .integer(rows.queries / head),
      "num_key_value_heads": .integer(rows.keys / head), "head_dim": .integer(head),
      // Of all published ones.
      "rms_norm_eps": .number(1e-6), "rope_theta": .number(1_000_000),
      "max_position_embeddings": .integer(40960),
    ]
  }
}
