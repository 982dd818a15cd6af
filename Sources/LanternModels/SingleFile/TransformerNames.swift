import LanternFormats

/// What the tensors of a diffusion transformer are called in the code that it was published with, and in diffusers.
package struct TransformerNames: Sendable {
  /// What of diffusers' a module is.
  enum Target: Sendable {
    case one(String)
    /// The halves of its rows are swapped: shift before scale, and diffusers has scale before shift.
    case swapped(String)
    /// The same where there are no rows but those of a shift and a scale: of the text's norm in the last block alone.
    case swappedPair(String)
    /// Several, one behind the other, each of as many rows as a token has features; `rest` has those that are left.
    case rows([String], rest: String? = nil)
  }

  /// A list of blocks.
  struct Blocks: Sendable {
    let original: String
    let diffusers: String
    let names: [String: Target]
  }

  /// Modules, and tensors by themselves, that are of no block.
  let root: [String: Target]
  let blocks: [Blocks]

  /// Endings of tensors' names, and diffusers' for them.
  private static let endings = ["weight": "weight", "bias": "bias", "scale": "weight"]

  /// What diffusers makes of a tensor.
  ///
  /// - Parameters:
  ///   - name: in the original code.
  ///   - source: the same with what stands before it in the file.
  ///   - features: of a token.
  ///   - rows: of the tensor.
  /// - Returns: names and what they stand for; nil for a name that the code does not have.
  func views(of name: String, from source: String, features: Int, rows: Int) -> [(
    name: String, view: TensorView
  )]? {
    var (module, ending) = (name, "")
    if let dot = name.lastIndex(of: "."),
      let known = Self.endings[String(name[name.index(after: dot)...])]
    {
      (module, ending) = (String(name[..<dot]), ".\(known)")
    }
    guard let found = target(of: module) else { return nil }
    var view = TensorView(source)
    switch found.target {
    case .one(let to): return [("\(found.block)\(to)\(ending)", view)]
    case .swapped(let to):
      view.swapsHalves = true
      return [("\(found.block)\(to)\(ending)", view)]
    case .swappedPair(let to):
      view.swapsHalves = rows == 2 * features
      return [("\(found.block)\(to)\(ending)", view)]
    case .rows(let names, let rest):
      let taken = names.count * features
      view.allRows = rest == nil ? taken : nil
      var parts = names.enumerated().map { index, to in
        (to, index * features..<(index + 1) * features)
      }
      if let rest { parts.append((rest, taken..<max(taken, rows))) }
      return parts.map { to, rows in
        view.rows = rows
        return ("\(found.block)\(to)\(ending)", view)
      }
    }
  }

  /// What a module is, and what stands before its name in diffusers.
  func target(of module: String) -> (block: String, target: Target)? {
    if let target = root[module] { return ("", target) }
    let parts = module.split(separator: ".", maxSplits: 2).map(String.init)
    guard parts.count == 3, let list = blocks.first(where: { $0.original == parts[0] }),
      let number = Int(parts[1]), let target = list.names[parts[2]]
    else { return nil }
    return ("\(list.diffusers).\(number).", target)
  }
}

extension TransformerNames {
  /// FLUX.1's (github.com/black-forest-labs/flux).
  static let flux = TransformerNames(
    root: streams("time_text_embed").merging([
      "vector_in.in_layer": .one("time_text_embed.text_embedder.linear_1"),
      "vector_in.out_layer": .one("time_text_embed.text_embedder.linear_2"),
    ]) { $1 },
    blocks: [
      Blocks(
        original: "double_blocks", diffusers: "transformer_blocks",
        names: attention.merging([
          "img_mod.lin": .one("norm1.linear"), "txt_mod.lin": .one("norm1_context.linear"),
          "img_mlp.0": .one("ff.net.0.proj"), "img_mlp.2": .one("ff.net.2"),
          "txt_mlp.0": .one("ff_context.net.0.proj"), "txt_mlp.2": .one("ff_context.net.2"),
        ]) { $1 }),
      Blocks(
        original: "single_blocks", diffusers: "single_transformer_blocks",
        names: [
          "modulation.lin": .one("norm.linear"),
          "linear1": .rows(["attn.to_q", "attn.to_k", "attn.to_v"], rest: "proj_mlp"),
          "linear2": .one("proj_out"), "norm.query_norm": .one("attn.norm_q"),
          "norm.key_norm": .one("attn.norm_k"),
        ]),
    ])

  /// FLUX.2's (github.com/black-forest-labs/flux2).
  static let flux2 = TransformerNames(
    root: streams("time_guidance_embed").merging([
      "double_stream_modulation_img.lin": .one("double_stream_modulation_img.linear"),
      "double_stream_modulation_txt.lin": .one("double_stream_modulation_txt.linear"),
      "single_stream_modulation.lin": .one("single_stream_modulation.linear"),
    ]) { $1 },
    blocks: [
      Blocks(
        original: "double_blocks", diffusers: "transformer_blocks",
        names: attention.merging([
          "img_mlp.0": .one("ff.linear_in"), "img_mlp.2": .one("ff.linear_out"),
          "txt_mlp.0": .one("ff_context.linear_in"), "txt_mlp.2": .one("ff_context.linear_out"),
        ]) { $1 }),
      Blocks(
        original: "single_blocks", diffusers: "single_transformer_blocks",
        names: [
          "linear1": .one("attn.to_qkv_mlp_proj"), "linear2": .one("attn.to_out"),
          "norm.query_norm": .one("attn.norm_q"), "norm.key_norm": .one("attn.norm_k"),
        ]),
    ])

  /// Z-Image's (github.com/Tongyi-MAI/Z-Image), with queries, keys and values in one as ComfyUI has them.
  static let zImage = TransformerNames(
    root: [
      "x_embedder": .one("all_x_embedder.2-1"),
      "final_layer.linear": .one("all_final_layer.2-1.linear"),
      "final_layer.adaLN_modulation.1": .one("all_final_layer.2-1.adaLN_modulation.1"),
    ].merging(same(["t_embedder.mlp.0", "t_embedder.mlp.2"])) { $1 }
      .merging(same(["cap_embedder.0", "cap_embedder.1", "cap_pad_token", "x_pad_token"])) { $1 },
    blocks: ["noise_refiner", "context_refiner", "layers"].map { list in
      Blocks(
        original: list, diffusers: list,
        names: [
          "attention.qkv": .rows(["to_q", "to_k", "to_v"].map { "attention.\($0)" }),
          "attention.out": .one("attention.to_out.0"), "attention.q_norm": .one("attention.norm_q"),
          "attention.k_norm": .one("attention.norm_k"),
        ].merging(
          same(["attention.to_q", "attention.to_k", "attention.to_v", "attention.to_out.0"])
        ) { $1 }
        .merging(same(["attention.norm_q", "attention.norm_k"])) { $1 }
        .merging(same(["attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"])) { $1 }
        .merging(same((1...3).map { "feed_forward.w\($0)" } + ["adaLN_modulation.0"])) { $1 })
    })

  /// Stable Diffusion 3's (github.com/Stability-AI/sd3.5).
  static let stableDiffusion3 = TransformerNames(
    root: [
      "x_embedder.proj": .one("pos_embed.proj"), "pos_embed": .one("pos_embed.pos_embed"),
      "t_embedder.mlp.0": .one("time_text_embed.timestep_embedder.linear_1"),
      "t_embedder.mlp.2": .one("time_text_embed.timestep_embedder.linear_2"),
      "y_embedder.mlp.0": .one("time_text_embed.text_embedder.linear_1"),
      "y_embedder.mlp.2": .one("time_text_embed.text_embedder.linear_2"),
      "context_embedder": .one("context_embedder"), "final_layer.linear": .one("proj_out"),
      "final_layer.adaLN_modulation.1": .swapped("norm_out.linear"),
    ],
    blocks: [
      Blocks(
        original: "joint_blocks", diffusers: "transformer_blocks",
        names: [
          "x_block.attn.qkv": .rows(["attn.to_q", "attn.to_k", "attn.to_v"]),
          "x_block.attn2.qkv": .rows(["attn2.to_q", "attn2.to_k", "attn2.to_v"]),
          "context_block.attn.qkv": .rows([
            "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj",
          ]),
          "x_block.attn.ln_q": .one("attn.norm_q"), "x_block.attn.ln_k": .one("attn.norm_k"),
          "x_block.attn2.ln_q": .one("attn2.norm_q"), "x_block.attn2.ln_k": .one("attn2.norm_k"),
          "context_block.attn.ln_q": .one("attn.norm_added_q"),
          "context_block.attn.ln_k": .one("attn.norm_added_k"),
          "x_block.attn.proj": .one("attn.to_out.0"), "x_block.attn2.proj": .one("attn2.to_out.0"),
          "context_block.attn.proj": .one("attn.to_add_out"),
          "x_block.adaLN_modulation.1": .one("norm1.linear"),
          "context_block.adaLN_modulation.1": .swappedPair("norm1_context.linear"),
          "x_block.mlp.fc1": .one("ff.net.0.proj"), "x_block.mlp.fc2": .one("ff.net.2"),
          "context_block.mlp.fc1": .one("ff_context.net.0.proj"),
          "context_block.mlp.fc2": .one("ff_context.net.2"),
        ])
    ])

  /// PixArt's (github.com/PixArt-alpha/PixArt-sigma).
  static let pixArt = TransformerNames(
    root: pixArtEnds.merging([
      "x_embedder.proj": .one("pos_embed.proj"), "pos_embed": .one("pos_embed.pos_embed"),
      "t_embedder.mlp.0": .one("adaln_single.emb.timestep_embedder.linear_1"),
      "t_embedder.mlp.2": .one("adaln_single.emb.timestep_embedder.linear_2"),
      "csize_embedder.mlp.0": .one("adaln_single.emb.resolution_embedder.linear_1"),
      "csize_embedder.mlp.2": .one("adaln_single.emb.resolution_embedder.linear_2"),
      "ar_embedder.mlp.0": .one("adaln_single.emb.aspect_ratio_embedder.linear_1"),
      "ar_embedder.mlp.2": .one("adaln_single.emb.aspect_ratio_embedder.linear_2"),
      "t_block.1": .one("adaln_single.linear"),
    ]) { $1 },
    blocks: [
      Blocks(
        original: "blocks", diffusers: "transformer_blocks",
        names: pixArtAttention.merging([
          "mlp.fc1": .one("ff.net.0.proj"), "mlp.fc2": .one("ff.net.2"),
        ]) { $1 })
    ])

  /// SANA's (github.com/NVlabs/Sana), which grew from PixArt's; SANA-Sprint has guidance as an input.
  static func sana(embedsGuidance: Bool) -> TransformerNames {
    let time = embedsGuidance ? "time_embed" : "time_embed.emb"
    return TransformerNames(
      root: pixArtEnds.merging([
        "x_embedder.proj": .one("patch_embed.proj"), "pos_embed": .one("patch_embed.pos_embed"),
        "attention_y_norm": .one("caption_norm"),
        "t_embedder.mlp.0": .one("\(time).timestep_embedder.linear_1"),
        "t_embedder.mlp.2": .one("\(time).timestep_embedder.linear_2"),
        "cfg_embedder.mlp.0": .one("time_embed.guidance_embedder.linear_1"),
        "cfg_embedder.mlp.2": .one("time_embed.guidance_embedder.linear_2"),
        "t_block.1": .one("time_embed.linear"),
      ]) { $1 },
      blocks: [
        Blocks(
          original: "blocks", diffusers: "transformer_blocks",
          names: pixArtAttention.merging([
            "attn.q_norm": .one("attn1.norm_q"), "attn.k_norm": .one("attn1.norm_k"),
            "cross_attn.q_norm": .one("attn2.norm_q"), "cross_attn.k_norm": .one("attn2.norm_k"),
            "mlp.inverted_conv.conv": .one("ff.conv_inverted"),
            "mlp.depth_conv.conv": .one("ff.conv_depth"),
            "mlp.point_conv.conv": .one("ff.conv_point"),
          ]) { $1 })
      ])
  }

  /// The projection of the text and the last layer, of PixArt and SANA.
  private static let pixArtEnds: [String: Target] = [
    "y_embedder.y_embedding": .one("caption_projection.y_embedding"),
    "y_embedder.y_proj.fc1": .one("caption_projection.linear_1"),
    "y_embedder.y_proj.fc2": .one("caption_projection.linear_2"),
    "final_layer.linear": .one("proj_out"),
    "final_layer.scale_shift_table": .one("scale_shift_table"),
  ]

  /// The modulation and both attentions of a block, of PixArt and SANA.
  private static let pixArtAttention: [String: Target] = [
    "scale_shift_table": .one("scale_shift_table"),
    "attn.qkv": .rows(["attn1.to_q", "attn1.to_k", "attn1.to_v"]),
    "attn.proj": .one("attn1.to_out.0"), "cross_attn.q_linear": .one("attn2.to_q"),
    "cross_attn.kv_linear": .rows(["attn2.to_k", "attn2.to_v"]),
    "cross_attn.proj": .one("attn2.to_out.0"),
  ]

  private static func same(_ names: [String]) -> [String: Target] {
    Dictionary(names.map { ($0, .one($0)) }, uniquingKeysWith: { first, _ in first })
  }

  /// What FLUX.1 and FLUX.2 share outside of blocks.
  private static func streams(_ time: String) -> [String: Target] {
    var names: [String: Target] = [
      "img_in": .one("x_embedder"), "txt_in": .one("context_embedder"),
      "final_layer.linear": .one("proj_out"),
      "final_layer.adaLN_modulation.1": .swapped("norm_out.linear"),
    ]
    for (original, embedder) in [("time_in", "timestep"), ("guidance_in", "guidance")] {
      names["\(original).in_layer"] = .one("\(time).\(embedder)_embedder.linear_1")
      names["\(original).out_layer"] = .one("\(time).\(embedder)_embedder.linear_2")
    }
    return names
  }

  /// What they share within blocks of two streams.
  private static let attention: [String: Target] = [
    "img_attn.qkv": .rows(["attn.to_q", "attn.to_k", "attn.to_v"]),
    "txt_attn.qkv": .rows(["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"]),
    "img_attn.norm.query_norm": .one("attn.norm_q"), "img_attn.norm.key_norm": .one("attn.norm_k"),
    "txt_attn.norm.query_norm": .one("attn.norm_added_q"),
    "txt_attn.norm.key_norm": .one("attn.norm_added_k"),
    "img_attn.proj": .one("attn.to_out.0"), "txt_attn.proj": .one("attn.to_add_out"),
  ]
}
