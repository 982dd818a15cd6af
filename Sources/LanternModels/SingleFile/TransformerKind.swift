import LanternFormats
import LanternLayers

/// A kind of diffusion transformer that is published in files of its own, with or without the other parts of its
/// model. One row each.
package struct TransformerKind: Sendable {
  /// As people call it.
  package let name: String
  /// The class of pipeline, and of transformer.
  package let pipelineClass: String
  let className: String
  /// Its names in the original code.
  package let names: TransformerNames
  /// A tensor of the original code whose rows are a token's features.
  let embedder: String
  /// Names that files of this kind have and others lack: of the original code, and of diffusers.
  let marks: [[String]]
  /// What its `config.json` would say.
  let settings: @Sendable (ShapeSettings) throws(ModelError) -> [String: JSONValue]
  /// What `scheduler_config.json` would say, by the transformer's settings.
  let schedule: @Sendable ([String: JSONValue]) -> [String: JSONValue]
  let codec: Codec
  package let textEncoders: [TransformerTextEncoder]
  /// Settings of the pipeline itself.
  var pipelineSettings: [String: JSONValue] = [:]
  /// What no tensor says, and is assumed; nil where nothing is.
  var assumption: String?

  /// The autoencoder of a kind.
  enum Codec: Sendable {
    /// `AutoencoderKL`.
    case kl(scalingFactor: Double, shiftFactor: Double)
    /// `AutoencoderKLFlux2`.
    case flux2
    /// `AutoencoderDC`, which is read from folders alone.
    case dc
  }

  /// All of them.
  package static let all = [
    TransformerKind(
      name: "FLUX.1", pipelineClass: "FluxPipeline", className: "FluxTransformer2DModel",
      names: .flux, embedder: "img_in.weight",
      marks: [
        ["double_blocks.0.img_mod.lin.weight", "vector_in.in_layer.weight"],
        [
          "transformer_blocks.0.norm1_context.linear.weight",
          "single_transformer_blocks.0.proj_mlp.weight",
        ],
      ],
      settings: { shapes throws(ModelError) in try shapes.flux() },
      schedule: { settings in
        // Schnell, which has no guidance as an input, was distilled at even times.
        let isDev = settings["guidance_embeds"] == .bool(true)
        return flow(shift: isDev ? 3 : 1, isDynamic: isDev)
      },
      codec: .kl(scalingFactor: 0.3611, shiftFactor: 0.1159),
      textEncoders: [
        .clip("text_encoder", "tokenizer", "clip_l", isProjected: false),
        .t5("text_encoder_2", "tokenizer_2"),
      ]),
    TransformerKind(
      name: "FLUX.2 klein", pipelineClass: "Flux2KleinPipeline",
      className: "Flux2Transformer2DModel",
      names: .flux2, embedder: "img_in.weight",
      marks: [
        ["double_stream_modulation_img.lin.weight"], ["double_stream_modulation_img.linear.weight"],
      ],
      settings: { shapes throws(ModelError) in try shapes.flux2() },
      schedule: { _ in flow(shift: 3, isDynamic: true) }, codec: .flux2,
      textEncoders: [.qwen3], pipelineSettings: ["is_distilled": .bool(true)],
      assumption:
        "taken to be distilled, to 4 steps without guidance: for a base model set steps "
        + "and guidance"),
    TransformerKind(
      name: "Stable Diffusion 3 or 3.5", pipelineClass: "StableDiffusion3Pipeline",
      className: "SD3Transformer2DModel", names: .stableDiffusion3,
      embedder: "context_embedder.weight",
      marks: [
        ["joint_blocks.0.x_block.attn.qkv.weight"],
        ["transformer_blocks.0.norm1_context.linear.weight", "pos_embed.pos_embed"],
      ],
      settings: { shapes throws(ModelError) in try shapes.stableDiffusion3() },
      schedule: { _ in flow(shift: 3, isDynamic: false) },
      codec: .kl(scalingFactor: 1.5305, shiftFactor: 0.0609),
      textEncoders: [
        .clip("text_encoder", "tokenizer", "clip_l", isProjected: true),
        .clip("text_encoder_2", "tokenizer_2", "clip_g", isProjected: true, padding: "!"),
        .t5("text_encoder_3", "tokenizer_3"),
      ]),
    // Before PixArt, whose names theirs grew from.
    sana(
      "SANA-Sprint", "SanaSprintPipeline", mark: "cfg_embedder.mlp.0.weight",
      diffusersMark: "time_embed.guidance_embedder.linear_1.weight", embedsGuidance: true),
    sana(
      "SANA", "SanaPipeline", mark: "t_block.1.weight",
      diffusersMark: "time_embed.emb.timestep_embedder.linear_1.weight", embedsGuidance: false),
    pixArt(
      "PixArt-α", "PixArtAlphaPipeline", mark: "csize_embedder.mlp.0.weight",
      diffusersMark: "adaln_single.emb.resolution_embedder.linear_1.weight", scalingFactor: 0.18215),
    pixArt(
      "PixArt-Σ", "PixArtSigmaPipeline", mark: "t_block.1.weight",
      diffusersMark: "adaln_single.linear.weight", scalingFactor: 0.13025),
    TransformerKind(
      name: "Z-Image", pipelineClass: "ZImagePipeline", className: "ZImageTransformer2DModel",
      names: .zImage, embedder: "x_embedder.weight",
      marks: [
        ["cap_embedder.0.weight", "layers.0.adaLN_modulation.0.weight", "x_embedder.weight"],
        [
          "cap_embedder.0.weight", "layers.0.adaLN_modulation.0.weight",
          "all_x_embedder.2-1.weight",
        ],
      ],
      settings: { shapes throws(ModelError) in try shapes.zImage() },
      schedule: { _ in flow(shift: 3, isDynamic: false) },
      codec: .kl(scalingFactor: 0.3611, shiftFactor: 0.1159), textEncoders: [.qwen3],
      assumption: "taken to be Z-Image-Turbo, of 8 steps without guidance: for the base model set "
        + "steps and guidance"),
  ]

  /// Published models of nearly the same names that are not drawn with: what they have, and what they are.
  static let strangers: [(marks: [String], name: String)] = [
    (["distilled_guidance_layer.in_proj.bias"], "a transformer of the kind Chroma"),
    (["cap_embedder.0.weight", "layers.0.adaLN_modulation.1.weight"], "Lumina 2"),
    (["early_stream_modulations.image.lin.weight"], "FLUX.3"),
    (
      ["guidance_in.in_layer.weight", "double_stream_modulation_img.lin.weight"],
      "FLUX.2 dev, whose text encoder is Mistral's"
    ),
  ]

  /// PixArt, whose α of 1024² is given sizes.
  private static func pixArt(
    _ name: String, _ pipeline: String, mark: String, diffusersMark: String, scalingFactor: Double
  ) -> TransformerKind {
    TransformerKind(
      name: name, pipelineClass: pipeline, className: "PixArtTransformer2DModel", names: .pixArt,
      embedder: "x_embedder.proj.weight",
      marks: [
        ["blocks.0.cross_attn.q_linear.weight", "y_embedder.y_proj.fc1.weight", mark],
        ["transformer_blocks.0.attn2.to_q.weight", "pos_embed.proj.weight", diffusersMark],
      ],
      settings: { shapes throws(ModelError) in try shapes.pixArt() },
      schedule: { _ in
        [
          "_class_name": .string("DPMSolverMultistepScheduler"), "beta_start": .number(0.0001),
          "beta_end": .number(0.02), "beta_schedule": .string("linear"),
          "num_train_timesteps": .integer(1000), "algorithm_type": .string("dpmsolver++"),
          "solver_order": .integer(2),
        ]
      },
      codec: .kl(scalingFactor: scalingFactor, shiftFactor: 0),
      textEncoders: [.t5("text_encoder", "tokenizer")])
  }

  /// SANA, and SANA-Sprint, whose steps are few.
  private static func sana(
    _ name: String, _ pipeline: String, mark: String, diffusersMark: String, embedsGuidance: Bool
  ) -> TransformerKind {
    TransformerKind(
      name: name, pipelineClass: pipeline, className: "SanaTransformer2DModel",
      names: .sana(embedsGuidance: embedsGuidance), embedder: "x_embedder.proj.weight",
      marks: [
        ["blocks.0.mlp.inverted_conv.conv.weight", "attention_y_norm.weight", mark],
        ["transformer_blocks.0.ff.conv_inverted.weight", "caption_norm.weight", diffusersMark],
      ],
      settings: { shapes throws(ModelError) in try shapes.sana() },
      schedule: { settings in
        guard !embedsGuidance else { return ["_class_name": .string("SCMScheduler")] }
        // Those of 4096² pixels, by their places, are shifted further.
        let isLarge = (settings["sample_size"]?.integer ?? 0) >= 128
        return [
          "_class_name": .string("DPMSolverMultistepScheduler"),
          "num_train_timesteps": .integer(1000), "algorithm_type": .string("dpmsolver++"),
          "solver_order": .integer(2), "prediction_type": .string("flow_prediction"),
          "use_flow_sigmas": .bool(true), "flow_shift": .number(isLarge ? 6 : 3),
        ]
      },
      codec: .dc, textEncoders: [.gemma2])
  }

  /// Settings of `FlowMatchEulerDiscreteScheduler`.
  private static func flow(shift: Int, isDynamic: Bool) -> [String: JSONValue] {
    [
      "_class_name": .string("FlowMatchEulerDiscreteScheduler"),
      "num_train_timesteps": .integer(1000), "shift": .integer(shift),
      "use_dynamic_shifting": .bool(isDynamic), "base_shift": .number(0.5),
      "max_shift": .number(1.15), "base_image_seq_len": .integer(256),
      "max_image_seq_len": .integer(4096),
    ]
  }
}

/// A text encoder of a diffusion transformer, and its tokenizer.
package struct TransformerTextEncoder: Sendable {
  /// What it is.
  enum Family: Sendable {
    /// CLIP's, whose pooled vector is projected or not, and the token that it fills texts up with.
    case clip(isProjected: Bool, padding: String)
    case t5, qwen3, gemma2
  }

  /// The part's name in a folder, and its tokenizer's.
  package let component: String
  package let tokenizer: String
  let family: Family
  /// What stands before its names in a file that holds other parts too.
  let prefixes: [String]

  static func clip(
    _ component: String, _ tokenizer: String, _ name: String, isProjected: Bool,
    padding: String = "<|endoftext|>"
  ) -> Self {
    Self(
      component: component, tokenizer: tokenizer,
      family: .clip(isProjected: isProjected, padding: padding),
      prefixes: ["text_encoders.\(name).transformer."])
  }

  static func t5(_ component: String, _ tokenizer: String) -> Self {
    Self(
      component: component, tokenizer: tokenizer, family: .t5,
      prefixes: ["text_encoders.t5xxl.transformer."])
  }

  static let qwen3 = Self(
    component: "text_encoder", tokenizer: "tokenizer", family: .qwen3,
    prefixes: ["text_encoders.qwen3_4b.transformer.", "text_encoders.qwen3_8b.transformer."])

  static let gemma2 = Self(
    component: "text_encoder", tokenizer: "tokenizer", family: .gemma2, prefixes: [])

  /// The class that reads it.
  var className: String {
    switch family {
    case .clip(let isProjected, _):
      isProjected ? "CLIPTextModelWithProjection" : "CLIPTextModel"
    case .t5: "T5EncoderModel"
    case .qwen3: "Qwen3ForCausalLM"
    case .gemma2: "Gemma2ForCausalLM"
    }
  }

  /// The token that CLIP's, whose vocabulary comes with Lantern, fills texts up with; nil for others.
  package var commonPadding: String? {
    if case .clip(_, let padding) = family { padding } else { nil }
  }
}
