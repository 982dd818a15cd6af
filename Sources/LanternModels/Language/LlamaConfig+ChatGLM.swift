package import LanternFormats
package import LanternLayers

extension LlamaConfig {
  /// The settings of ChatGLM 2 and 3 (GLM Team 2024, arXiv:2406.12793), whose files are of a code of their own: the
  /// block is that of transformers' GLM.
  ///
  /// - Throws: as ``init(_:of:)``.
  package init(chatGLM config: Config) throws(ModelError) {
    let members: [String: JSONValue]
    do throws(FormatError) {
      members = try Self.glm(config)
      try config.finish(
        ignoring: TransformersSettings.harmless.union([
          "apply_query_key_layer_scaling", "attention_softmax_in_fp32", "bias_dropout_fusion",
          "classifier_dropout", "fp32_residual_connection", "hidden_dropout",
        ]))
    } catch {
      throw .file(error)
    }
    try self.init(Config(members, file: config.file), of: .glm)
    names = DecoderNames(
      prefixes: ["transformer."], layers: "encoder.layers",
      root: [
        "embedding.word_embeddings": "model.embed_tokens", "encoder.final_layernorm": "model.norm",
        "output_layer": "lm_head",
      ],
      parts: [
        "input_layernorm": .module("input_layernorm"),
        "post_attention_layernorm": .module("post_attention_layernorm"),
        "self_attention.query_key_value": .joined(groups: 1),
        "self_attention.dense": .module("self_attn.o_proj"),
        "mlp.dense_h_to_4h": .module("mlp.gate_up_proj"),
        "mlp.dense_4h_to_h": .module("mlp.down_proj"),
      ])
  }

  /// What transformers' GLM calls the same; absent settings are ChatGLM 3's.
  private static func glm(_ config: Config) throws(FormatError) -> [String: JSONValue] {
    for (key, value) in [
      ("add_bias_linear", false), ("apply_residual_connection_post_layernorm", false),
      ("post_layer_norm", true), ("rmsnorm", true), ("original_rope", true),
      ("prefix_projection", false), ("tie_word_embeddings", false),
    ] {
      try config.expect(key, [.bool(value)])
    }
    try config.expect("pre_seq_len", [])
    // Integers are decoded as they are read; those of embeddings are none of them.
    try config.expect("quantization_bit", [0, 4, 8])
    try config.expect("quantization_embeddings", [false])
    let heads = try config.integer("num_attention_heads", default: 32)
    let isShared = try config.bool("multi_query_attention", default: true)
    let groups = try config.integer("multi_query_group_num", default: 2)
    // Of the kind for longer texts.
    let ratio = try config.double("rope_ratio", default: 1)
    return [
      "vocab_size": .integer(try config.integer("padded_vocab_size", default: 65024)),
      "hidden_size": .integer(try config.integer("hidden_size", default: 4096)),
      "intermediate_size": .integer(try config.integer("ffn_hidden_size", default: 13696)),
      "num_hidden_layers": .integer(try config.integer("num_layers", default: 28)),
      "num_attention_heads": .integer(heads),
      "num_key_value_heads": .integer(isShared ? groups : heads),
      "head_dim": .integer(try config.integer("kv_channels", default: 128)),
      "max_position_embeddings": .integer(try config.integer("seq_length", default: 8192)),
      "rms_norm_eps": .number(try config.double("layernorm_epsilon", default: 1e-5)),
      "attention_bias": .bool(try config.bool("add_qkv_bias", default: true)),
      "rope_theta": .number(10000 * ratio),
    ]
  }
}
