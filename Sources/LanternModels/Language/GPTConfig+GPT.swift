import LanternFormats
import LanternLayers

// GPT-2 (Radford et al. 2019) and the two that EleutherAI made after it.
extension GPTConfig {
  /// What transformers' first classes call sizes.
  private static let sizeNames = [
    "hidden_size": "n_embd", "max_position_embeddings": "n_positions",
    "num_attention_heads": "n_head", "num_hidden_layers": "n_layer", "intermediate_size": "n_inner",
  ]

  /// Settings of training, and of heads for other tasks.
  private static let others: Set = [
    "attn_pdrop", "embd_pdrop", "n_ctx", "reorder_and_upcast_attn", "resid_pdrop", "rotary",
    "scale_attn_weights", "summary_activation", "summary_first_dropout", "summary_proj_to_labels",
    "summary_type", "summary_use_proj", "task_specific_params", "tokenizer_class",
  ]

  /// What both of transformers' first classes have.
  private static func first(_ config: Config, _ block: Block, default standard: DecoderSizes)
    throws(FormatError) -> GPTConfig
  {
    var gpt = GPTConfig(
      try DecoderSizes(config, spelled: sizeNames, default: standard),
      try TransformersSettings.activation(config, "activation_function", default: "gelu_new"), block
    )
    gpt.normEps = try config.float("layer_norm_epsilon", default: 1e-5)
    gpt.harmless = others
    gpt.names = DecoderNames(
      prefixes: ["transformer."], layers: "h",
      root: ["wte": "model.embed_tokens", "ln_f": "model.final_layernorm"],
      parts: ["ln_1": .module("input_layernorm")])
    return gpt
  }

  /// `GPT2LMHeadModel`: learned positions, and linear maps stored as `[inputs, outputs]`.
  static func gpt2(_ config: Config) throws(FormatError) -> GPTConfig {
    var gpt = try first(
      config, .sequential,
      default: DecoderSizes(
        vocabulary: 50257, features: 768, inner: 0, layers: 12, heads: 12, maximumLength: 1024))
    gpt.firstPosition = 0
    gpt.scoreScale = try config.bool("scale_attn_weights", default: true) ? nil : 1
    gpt.dividesByLayer = try config.bool("scale_attn_by_inverse_layer_idx", default: false)
    gpt.tieWordEmbeddings = try config.bool("tie_word_embeddings", default: true)
    try config.expect("add_cross_attention", [.bool(false)])
    gpt.names.root["wpe"] = "model.embed_positions"
    gpt.names.parts.merge([
      "ln_2": .module("post_attention_layernorm"),
      "attn.c_attn": .joined(groups: 1, isTransposed: true),
      "attn.c_proj": .transposed("self_attn.dense"), "mlp.c_fc": .transposed("mlp.fc1"),
      "mlp.c_proj": .transposed("mlp.fc2"),
    ]) { $1 }
    return gpt
  }

  /// `GPTJForCausalLM` (Wang & Komatsuzaki 2021): neighbouring features of a head turn together.
  static func gptJ(_ config: Config) throws(FormatError) -> GPTConfig {
    var gpt = try first(
      config, .parallel,
      default: DecoderSizes(
        vocabulary: 50400, features: 4096, inner: 0, layers: 28, heads: 16, maximumLength: 2048))
    guard config.value("rotary_dim") != .null else {
      throw .unsupportedSetting(key: "rotary_dim", value: "null", file: config.file)
    }
    gpt.rope = try RopeParameters(
      turning: config.integer("rotary_dim", default: 64), of: gpt.sizes.sizeOfHead, "rotary_dim",
      config.file)
    gpt.pairing = .interleaved
    gpt.biases = (attention: false, feedForward: true, head: true)
    try config.expect("tie_word_embeddings", [.bool(false)])
    gpt.names.parts.merge([
      "attn.q_proj": .module("self_attn.q_proj"), "attn.k_proj": .module("self_attn.k_proj"),
      "attn.v_proj": .module("self_attn.v_proj"), "attn.out_proj": .module("self_attn.dense"),
      "mlp.fc_in": .module("mlp.fc1"), "mlp.fc_out": .module("mlp.fc2"),
    ]) { $1 }
    return gpt
  }

  /// `GPTNeoXForCausalLM` (Black et al. 2022, arXiv:2204.06745), as of Pythia and Dolly 2: each head's queries, keys
  /// and values lie together.
  static func gptNeoX(_ config: Config) throws(FormatError) -> GPTConfig {
    let sizes = try DecoderSizes(
      config, spelled: [:],
      default: DecoderSizes(
        vocabulary: 50432, features: 6144, inner: 24576, layers: 44, heads: 64, maximumLength: 2048)
    )
    let isParallel = try config.bool("use_parallel_residual", default: true)
    var gpt = GPTConfig(
      sizes, try TransformersSettings.activation(config, default: "gelu"),
      isParallel ? .parallelNorms : .sequential)
    gpt.normEps = try config.float("layer_norm_eps", default: 1e-5)
    gpt.rope = try RopeParameters(
      config, theta: config.float("rotary_emb_base", default: 10000),
      partialFactor: config.double("rotary_pct", default: 0.25), length: sizes.maximumLength)
    gpt.biases.attention = try config.bool("attention_bias", default: true)
    gpt.tieWordEmbeddings = try config.bool("tie_word_embeddings", default: false)
    gpt.harmless = ["classifier_dropout", "hidden_dropout"]
    gpt.names = DecoderNames(
      prefixes: ["gpt_neox."], layers: "layers",
      root: [
        "embed_in": "model.embed_tokens", "final_layer_norm": "model.final_layernorm",
        "embed_out": "lm_head",
      ],
      parts: [
        "input_layernorm": .module("input_layernorm"),
        "post_attention_layernorm": .module("post_attention_layernorm"),
        "attention.query_key_value": .joined(groups: max(1, sizes.heads)),
        "attention.dense": .module("self_attn.dense"), "mlp.dense_h_to_4h": .module("mlp.fc1"),
        "mlp.dense_4h_to_h": .module("mlp.fc2"),
      ])
    return gpt
  }
}
