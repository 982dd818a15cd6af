package import LanternFormats
package import LanternLayers

/// The settings of a masked language model with the block of Llama's kind.
package struct MaskedLlamaConfig: Sendable {
  let llama: LlamaConfig
  let maskToken: Int
  let isShifted: Bool
  /// Tokens of a block that attends to those before it alone; nil where all attend to all.
  let causalBlock: Int?

  /// LLaDA's settings, whose files are of a code of their own; absent ones are those of the 8B model.
  ///
  /// - Throws: as ``LlamaConfig/init(_:of:)``.
  package init(llada config: Config) throws(ModelError) {
    let members: [String: JSONValue]
    do throws(FormatError) {
      members = try Self.members(config)
      maskToken = try config.integer("mask_token_id", default: 126_336)
      try config.finish(
        ignoring: TransformersSettings.harmless.union([
          "alibi_bias_max", "attention_layer_norm_with_affine", "block_group_size",
          "embedding_dropout",
          "flash_attention", "init_cutoff_factor", "init_device", "init_fn", "init_std",
          "max_sequence_length", "mlp_ratio", "precision", "residual_dropout",
          "rope_full_precision", "vocab_size",
        ]))
    } catch {
      throw .file(error)
    }
    var llama = try LlamaConfig(Config(members, file: config.file), of: .llama)
    llama.names = DecoderNames(
      layers: "model.transformer.blocks",
      root: [
        "model.transformer.wte": "model.embed_tokens", "model.transformer.ln_f": "model.norm",
        "model.transformer.ff_out": "lm_head",
      ],
      parts: [
        "attn_norm": .module("input_layernorm"), "ff_norm": .module("post_attention_layernorm"),
        "q_proj": .module("self_attn.q_proj"), "k_proj": .module("self_attn.k_proj"),
        "v_proj": .module("self_attn.v_proj"), "attn_out": .module("self_attn.o_proj"),
        "ff_proj": .module("mlp.gate_proj"), "up_proj": .module("mlp.up_proj"),
        "ff_out": .module("mlp.down_proj"),
      ])
    (self.llama, isShifted, causalBlock) = (llama, false, nil)
    try check(config.file)
  }

  /// Dream's settings: Qwen 2's, and the masked token.
  ///
  /// - Throws: as ``LlamaConfig/init(_:of:)``.
  package init(dream config: Config) throws(ModelError) {
    do throws(FormatError) {
      maskToken = try config.integer("mask_token_id", default: 151_666)
      try config.expect("use_sliding_window", [.bool(false)])
      try config.expect("full_attn_every_n_layers", [])
    } catch {
      throw .file(error)
    }
    llama = try LlamaConfig(config, of: .qwen2)
    (isShifted, causalBlock) = (true, nil)
    try check(config.file)
  }

  /// Fast-dLLM v2's settings: Qwen 2's, and the length of blocks. The masked token is that of its own code where they do not
  /// say.
  ///
  /// - Throws: as ``LlamaConfig/init(_:of:)``.
  package init(fastDLLM config: Config) throws(ModelError) {
    let block: Int
    do throws(FormatError) {
      maskToken = try config.integer("mask_token_id", default: 151_665)
      block = try config.integer("bd_size", default: 32)
      try config.expect("use_sliding_window", [.bool(false)])
    } catch {
      throw .file(error)
    }
    llama = try LlamaConfig(config, of: .qwen2)
    (isShifted, causalBlock) = (true, block)
    guard (2...4096).contains(block) else {
      throw .inconsistent(reason: "\"bd_size\" must be 2 to 4096", file: config.file)
    }
    try check(config.file)
  }

  private func check(_ file: String) throws(ModelError) {
    guard (0..<llama.sizes.vocabulary).contains(maskToken) else {
      throw .inconsistent(reason: "\"mask_token_id\" is no token of the vocabulary", file: file)
    }
  }

  /// What transformers' Llama calls the same.
  private static func members(_ config: Config) throws(FormatError) -> [String: JSONValue] {
    for (key, value) in [
      ("alibi", false), ("attention_layer_norm", false), ("bias_for_layer_norm", false),
      ("include_bias", false), ("include_qkv_bias", false), ("input_emb_norm", false),
      ("layer_norm_with_affine", true), ("rope", true), ("scale_logits", false),
    ] {
      try config.expect(key, [.bool(value)])
    }
    try config.expect("activation_type", ["silu"])
    try config.expect("block_type", ["llama"])
    try config.expect("layer_norm_type", ["rms"])
    try config.expect("multi_query_attention", [.bool(false)])
    let heads = try config.integer("n_heads", default: 32)
    let vocabulary = try config.integer("vocab_size", default: 126_464)
    return [
      "vocab_size": .integer(try config.optionalInteger("embedding_size") ?? vocabulary),
      "hidden_size": .integer(try config.integer("d_model", default: 4096)),
      "intermediate_size": .integer(try config.integer("mlp_hidden_size", default: 12288)),
      "num_hidden_layers": .integer(try config.integer("n_layers", default: 32)),
      "num_attention_heads": .integer(heads),
      "num_key_value_heads": .integer(try config.optionalInteger("n_kv_heads") ?? heads),
      "max_position_embeddings": .integer(
        try config.integer("max_sequence_length", default: 4096)),
      "rms_norm_eps": .number(try config.double("rms_norm_eps", default: 1e-5)),
      "rope_theta": .number(try config.double("rope_theta", default: 500_000)),
      "tie_word_embeddings": .bool(try config.bool("weight_tying", default: false)),
    ]
  }
}
