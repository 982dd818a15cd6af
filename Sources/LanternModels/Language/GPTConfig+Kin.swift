import LanternFormats

// Decoders with LayerNorms that are neither of OpenAI nor of EleutherAI.
extension GPTConfig {
  /// `PhiForCausalLM` (Li et al. 2023, arXiv:2309.05463): Phi-1, 1.5 and 2.
  static func phi(_ config: Config) throws(FormatError) -> GPTConfig {
    let sizes = try DecoderSizes(
      config, spelled: [:],
      default: DecoderSizes(
        vocabulary: 51200, features: 2048, inner: 8192, layers: 24, heads: 32, maximumLength: 2048))
    var phi = GPTConfig(
      sizes, try TransformersSettings.activation(config, default: "gelu_new"), .parallel)
    phi.normEps = try config.float("layer_norm_eps", default: 1e-5)
    phi.rope = try RopeParameters(config, partialFactor: 0.5, length: sizes.maximumLength)
    try config.expect("num_key_value_heads", [.null, .integer(sizes.heads)])
    try config.expect("tie_word_embeddings", [.bool(false)])
    phi.hasHeadNorms = try config.bool("qk_layernorm", default: false)
    phi.biases.head = true
    phi.harmless = ["embd_pdrop", "resid_pdrop"]
    return phi
  }

  /// `OPTForCausalLM` (Zhang et al. 2022, arXiv:2205.01068): positions from the third row of their table on; of the
  /// one with 350 million weights norms behind sums, and narrower tokens.
  static func opt(_ config: Config) throws(FormatError) -> GPTConfig {
    let sizes = try DecoderSizes(
      config, spelled: ["intermediate_size": "ffn_dim"],
      default: DecoderSizes(
        vocabulary: 50272, features: 768, inner: 3072, layers: 12, heads: 12, maximumLength: 2048))
    let normsFirst = try config.bool("do_layer_norm_before", default: true)
    var opt = GPTConfig(
      sizes, try TransformersSettings.activation(config, "activation_function", default: "relu"),
      normsFirst ? .sequential : .postNorm)
    opt.isAffine = try config.bool("layer_norm_elementwise_affine", default: true)
    let lacksFinalNorm = try config.bool("_remove_final_layer_norm", default: false)
    opt.hasFinalNorm = normsFirst && !lacksFinalNorm
    let isBiased = try config.bool("enable_bias", default: true)
    opt.biases = (attention: isBiased, feedForward: isBiased, head: false)
    opt.firstPosition = 2
    let width = try config.optionalInteger("word_embed_proj_dim")
    opt.embeddingSize = width == sizes.features ? nil : width
    opt.tieWordEmbeddings = try config.bool("tie_word_embeddings", default: true)
    opt.harmless = ["activation_dropout", "dropout", "init_std", "layerdrop", "prefix"]
    opt.names = DecoderNames(
      prefixes: ["model.decoder.", "decoder."], layers: "layers",
      root: [
        "embed_tokens": "model.embed_tokens", "embed_positions": "model.embed_positions",
        "project_in": "model.project_in", "project_out": "model.project_out",
        "final_layer_norm": "model.final_layernorm",
      ],
      parts: [
        "self_attn.q_proj": .module("self_attn.q_proj"),
        "self_attn.k_proj": .module("self_attn.k_proj"),
        "self_attn.v_proj": .module("self_attn.v_proj"),
        "self_attn.out_proj": .module("self_attn.dense"),
        "self_attn_layer_norm": .module("input_layernorm"), "fc1": .module("mlp.fc1"),
        "fc2": .module("mlp.fc2"), "final_layer_norm": .module("post_attention_layernorm"),
      ])
    return opt
  }
}
