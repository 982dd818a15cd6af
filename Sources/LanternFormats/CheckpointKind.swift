/// The kind of a checkpoint, recognised by the names of its tensors.
package struct CheckpointKind {
  /// The kind in words, as `a LoRA in kohya's names`.
  package let name: String
  /// Whether Lantern reads it, where it belongs.
  package let isRead: Bool
  /// Whether its names are those of the original code of latent diffusion.
  package let isOriginal: Bool

  private struct Row {
    /// Prefixes of names: one of each list must be there.
    let beginnings: [[String]]
    let name: String
    var isRead = false
    var isOriginal = false
  }

  /// The first row that fits counts.
  private static let rows: [Row] = [
    Row(
      beginnings: [
        ["lora_unet_double_blocks", "lora_unet_single_blocks", "lora_unet_joint_blocks"]
      ],
      name: "a LoRA for a diffusion transformer, in kohya's names", isRead: true),
    Row(
      beginnings: [
        ["lora_unet_input_blocks", "lora_unet_middle_block", "lora_unet_output_blocks"]
      ], name: "a LoRA in the names of the original code (LDM)", isRead: true),
    Row(beginnings: [["lora_unet_", "lora_te"]], name: "a LoRA in kohya's names", isRead: true),
    Row(
      beginnings: [["model.diffusion_model."], ["conditioner.embedders."]],
      name:
        "a checkpoint of Stable Diffusion XL in one file, in the names of the original code (LDM)",
      isRead: true, isOriginal: true),
    Row(
      beginnings: [["model.diffusion_model.joint_blocks"]],
      name: "a checkpoint of Stable Diffusion 3 in one file", isRead: true, isOriginal: true),
    Row(
      beginnings: [["model.diffusion_model.double_blocks", "double_blocks."]],
      name: "a checkpoint of FLUX in the names of the original code", isRead: true,
      isOriginal: true),
    Row(
      beginnings: [["model.diffusion_model."], ["cond_stage_model."]],
      name:
        "a checkpoint of Stable Diffusion 1 or 2 in one file, in the names of the original code "
        + "(LDM)", isRead: true, isOriginal: true),
    Row(
      beginnings: [["model.diffusion_model.", "input_blocks.", "cond_stage_model."]],
      name: "a part of a checkpoint in the names of the original code (LDM)", isRead: true,
      isOriginal: true),
    Row(beginnings: [["lllite_unet"]], name: "a ControlNet-LLLite"),
    Row(
      beginnings: [["control_model.", "input_hint_block."]],
      name: "a ControlNet in the names of the original code (LDM)", isRead: true),
    Row(
      beginnings: [["first_stage_model.", "encoder.down.", "decoder.up."]],
      name: "an autoencoder in the names of the original code (LDM)", isRead: true,
      isOriginal: true),
    Row(beginnings: [["controlnet_"]], name: "a ControlNet", isRead: true),
    Row(beginnings: [["adapter.body."]], name: "a T2I-Adapter", isRead: true),
    Row(
      beginnings: [["conv_in."], ["body.0.block1."]],
      name: "a T2I-Adapter in the names of TencentARC's code", isRead: true),
    Row(
      beginnings: [["body.0.in_conv."], ["body.0.body.0.block1."]],
      name: "a light T2I-Adapter in the names of TencentARC's code", isRead: true),
    Row(
      beginnings: [["style_embedding"], ["transformer_layes."]],
      name: "a T2I-Adapter of styles, which follows CLIP's features"),
    Row(
      beginnings: [["image_proj.perceiver_resampler.", "ip_adapter.0.to_k_lora"]],
      name: "an IP-Adapter of the kind FaceID"),
    Row(
      beginnings: [["image_proj.latents"], ["ip_adapter."]], name: "an IP-Adapter Plus",
      isRead: true),
    Row(
      beginnings: [["image_proj.proj.3."], ["ip_adapter."]],
      name: "an IP-Adapter of the kind full face", isRead: true),
    Row(beginnings: [["ip_adapter.", "image_proj."]], name: "an IP-Adapter", isRead: true),
    Row(
      beginnings: [["vision_model.embeddings.class_embedding"]], name: "a vision encoder of CLIP",
      isRead: true),
    Row(
      beginnings: [["emb_params", "string_to_param", "<", "clip_g", "clip_l"]],
      name: embedding.name, isRead: true),
    Row(
      beginnings: [["model.1.sub.0.RDB1.", "RRDB_trunk.0.RDB1.", "body.0.rdb1."]],
      name: "an upscaler of the architecture RRDBNet (ESRGAN, Real-ESRGAN)", isRead: true),
    Row(
      beginnings: [["layers.0.residual_group.overlap_attn."]],
      name: "an upscaler of the architecture HAT"),
    Row(
      beginnings: [["layers.0.residual_group.layers.0.attn_atd."]],
      name: "an upscaler of the architecture ATD"),
    Row(
      beginnings: [["layers.0.residual_group.blocks.0."]],
      name: "an upscaler of the architecture SwinIR or Swin2SR"),
    Row(
      beginnings: [["layers.0.blocks.0.attn.spatial_interaction."]],
      name: "an upscaler of the architecture DAT"),
    Row(
      beginnings: [["layers.0.blocks.0."], ["before_RG."]],
      name: "an upscaler of the architecture RGT"),
    Row(beginnings: [["layers.0.swin1."]], name: "an upscaler of the architecture DRCT"),
    Row(
      beginnings: [["residual_layer.0.residual_layer."]],
      name: "an upscaler of the architecture OmniSR"),
    Row(beginnings: [["block_1.c1_r."]], name: "an upscaler of the architecture SPAN"),
    Row(
      beginnings: [["feats.1.lk."]], name: "an upscaler of the architecture PLKSR"),
    Row(
      beginnings: [["unet1.conv1.conv."]], name: "an upscaler of the architecture RealCUGAN"),
    Row(
      beginnings: [["body.0.body.0.body."]], name: "an upscaler of the architecture RCAN"),
    Row(
      beginnings: [
        [
          "token_embd.weight", "model.embed_tokens.", "transformer.wte.", "gpt_neox.embed_in.",
          "model.decoder.embed_tokens.",
        ],
        [
          "blk.0.", "model.layers.0.", "transformer.h.0.", "gpt_neox.layers.0.",
          "model.decoder.layers.0.",
        ],
      ], name: "a language model, which writes and chats", isRead: true),
    Row(beginnings: [["m_head."], ["m_tail."]], name: "an upscaler of the architecture SCUNet"),
    Row(
      beginnings: [["stylegan_decoder."]], name: "a restorer of faces (GFPGAN)"),
    Row(
      beginnings: [["body.0.weight"], ["body.1.weight"]],
      name: "an upscaler of the architecture SRVGGNetCompact (Real-ESRGAN)", isRead: true),
    Row(
      beginnings: [["down_blocks."], ["up_blocks."], ["conv_in.weight"]],
      name: "a U-Net in diffusers' names", isRead: true),
    Row(
      beginnings: [["encoder.down_blocks.", "encoder.conv_in."]],
      name: "an autoencoder in diffusers' names", isRead: true),
    Row(
      beginnings: [["text_model.encoder.", "encoder.layers."]],
      name: "a text encoder in transformers' names", isRead: true),
    Row(
      beginnings: [["model.layers.", "transformer.h.", "model.embed_tokens"]],
      name: "a language model in transformers' names", isRead: true),
  ]

  /// The kind of a file by the names in it; nil for one that is not known.
  package init?(names: [String]) {
    if names.contains(where: { $0.contains(".lora_A.") || $0.contains(".lora.down.") }) {
      self.init(name: "a LoRA in PEFT's or diffusers' names", isRead: true, isOriginal: false)
      return
    }
    var there: Set<String> = []
    let all = Set(Self.rows.flatMap { $0.beginnings.joined() })
    for name in names {
      for beginning in all where name.hasPrefix(beginning) { there.insert(beginning) }
    }
    let row = Self.rows.first { row in
      row.beginnings.allSatisfy { $0.contains(where: there.contains) }
    }
    guard let row else { return nil }
    self.init(name: row.name, isRead: row.isRead, isOriginal: row.isOriginal)
  }

  /// A file of a word's vectors, which may lie under any name.
  package static let embedding = CheckpointKind(
    name: "vectors of textual inversion", isRead: true, isOriginal: false)

  private init(name: String, isRead: Bool, isOriginal: Bool) {
    (self.name, self.isRead, self.isOriginal) = (name, isRead, isOriginal)
  }
}
