import LanternFormats

extension GPTConfig {
  /// `FalconForCausalLM` (Almazrouei et al. 2023, arXiv:2311.16867): one head of keys for all queries, or in the newer
  /// architecture groups of heads, each with its queries, keys and values together.
  static func falcon(_ config: Config) throws(FormatError) -> GPTConfig {
    var sizes = try DecoderSizes(
      config, spelled: ["hidden_size": "n_embed", "intermediate_size": "ffn_hidden_size"],
      default: DecoderSizes(
        vocabulary: 65024, features: 4544, inner: 0, layers: 32, heads: 71, maximumLength: 2048))
    let isNew = try config.bool("new_decoder_architecture", default: false)
    let isShared = try config.bool("multi_query", default: true)
    let keyHeads = try config.integer("num_kv_heads", default: sizes.heads)
    sizes.keyValueHeads = isNew ? keyHeads : isShared ? 1 : sizes.heads
    var falcon = GPTConfig(
      sizes, try TransformersSettings.activation(config, "activation", default: "gelu"),
      try block(config, isNew: isNew))
    falcon.normEps = try config.float("layer_norm_epsilon", default: 1e-5)
    try config.expect("alibi", [.bool(false)])
    falcon.rope = try RopeParameters(config, length: sizes.maximumLength)
    let isBiased = try config.bool("bias", default: false)
    falcon.biases = (attention: isBiased, feedForward: isBiased, head: false)
    falcon.tieWordEmbeddings = try config.bool("tie_word_embeddings", default: true)
    falcon.harmless = ["hidden_dropout"]
    let groups = isNew || !isShared ? sizes.headsOfKeys : 1
    falcon.names = DecoderNames(
      prefixes: ["transformer."], layers: "h",
      root: ["word_embeddings": "model.embed_tokens", "ln_f": "model.final_layernorm"],
      parts: [
        "input_layernorm": .module("input_layernorm"), "ln_attn": .module("input_layernorm"),
        "post_attention_layernorm": .module("post_attention_layernorm"),
        "ln_mlp": .module("post_attention_layernorm"),
        "self_attention.query_key_value": .joined(groups: max(1, groups)),
        "self_attention.dense": .module("self_attn.dense"),
        "mlp.dense_h_to_4h": .module("mlp.fc1"), "mlp.dense_4h_to_h": .module("mlp.fc2"),
      ])
    return falcon
  }

  private static func block(_ config: Config, isNew: Bool) throws(FormatError) -> Block {
    let isParallel = try config.bool("parallel_attn", default: true)
    let norms = try config.integer("num_ln_in_parallel_attn", default: isNew ? 2 : 1)
    // transformers' class has no such layer.
    guard isParallel || !isNew else {
      throw .unsupportedSetting(key: "parallel_attn", value: "false", file: config.file)
    }
    guard norms == 1 || norms == 2 && (isNew || !isParallel) else {
      throw .unsupportedSetting(
        key: "num_ln_in_parallel_attn", value: "\(norms)", file: config.file)
    }
    return isParallel ? norms == 2 ? .parallelNorms : .parallel : .sequential
  }
}
