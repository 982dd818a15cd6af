import LanternFormats

/// What a `general.architecture` of GGUF files is in transformers' terms, and in the names that models here have.
struct GGUFArchitecture: Sendable {
  let name: String
  let className: String
  /// The class of files with experts, where they are of another one.
  var expertsClassName: String?
  /// Whether rows of queries and keys lie in the order of pairs 2i and 2i + 1.
  var isInterleaved = false
  /// Whether queries, keys and values that lie in one tensor are three of the class's.
  var splitsProjections = false
  /// Whether part of a head may turn.
  var turnsPart = false
  /// Whether the class has a setting for the size of heads.
  var namesHeadSize = true
  /// Whether it is an encoder's, whose tokens attend to each other both ways.
  var isEncoder = false
  /// Where layers are.
  var layers = "model.layers"
  /// Keys behind the architecture's name, and transformers' for the same, that this one has in addition to those of
  /// all.
  var keys: [String: String] = [:]
  /// Names, at the root and within a layer, that go before those of all.
  var names: [String: String] = [:]

  static let all = [
    GGUFArchitecture(
      name: "llama", className: "LlamaForCausalLM", expertsClassName: "MixtralForCausalLM",
      isInterleaved: true),
    GGUFArchitecture(name: "qwen2", className: "Qwen2ForCausalLM"),
    GGUFArchitecture(
      name: "qwen2moe", className: "Qwen2MoeForCausalLM", expertsClassName: "Qwen2MoeForCausalLM",
      keys: [
        "expert_feed_forward_length": "moe_intermediate_size",
        "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
      ]),
    GGUFArchitecture(name: "qwen3", className: "Qwen3ForCausalLM"),
    GGUFArchitecture(
      name: "qwen3moe", className: "Qwen3MoeForCausalLM", expertsClassName: "Qwen3MoeForCausalLM",
      keys: ["expert_feed_forward_length": "moe_intermediate_size"]),
    GGUFArchitecture(
      name: "chatglm", className: "GlmForCausalLM", splitsProjections: true, turnsPart: true,
      names: ["ffn_up": "mlp.gate_up_proj"]),
    GGUFArchitecture(
      name: "glm4", className: "Glm4ForCausalLM", splitsProjections: true, turnsPart: true,
      names: [
        "ffn_up": "mlp.gate_up_proj", "post_attention_norm": "post_self_attn_layernorm",
        "post_ffw_norm": "post_mlp_layernorm",
      ]),
    gpt(
      "phi2", "PhiForCausalLM", turnsPart: true, ["attention.layer_norm_epsilon": "layer_norm_eps"]),
    gpt(
      "gpt2", "GPT2LMHeadModel",
      [
        "attention.layer_norm_epsilon": "layer_norm_epsilon", "feed_forward_length": "n_inner",
      ]),
    gpt(
      "gptneox", "GPTNeoXForCausalLM", turnsPart: true,
      [
        "attention.layer_norm_epsilon": "layer_norm_eps",
        "use_parallel_residual": "use_parallel_residual",
      ]),
    gpt(
      "falcon", "FalconForCausalLM",
      [
        "attention.layer_norm_epsilon": "layer_norm_epsilon",
        "attention.head_count_kv": "num_kv_heads", "feed_forward_length": "ffn_hidden_size",
      ]),
    GGUFArchitecture(
      name: "phi3", className: "Phi3ForCausalLM", turnsPart: true,
      keys: [
        "attention.sliding_window": "sliding_window",
        "rope.scaling.original_context_length": "original_max_position_embeddings",
      ],
      names: ["ffn_up": "mlp.gate_up_proj"]),
    GGUFArchitecture(
      name: "gemma2", className: "Gemma2ForCausalLM",
      keys: [
        "attention.sliding_window": "sliding_window",
        "attn_logit_softcapping": "attn_logit_softcapping",
        "final_logit_softcapping": "final_logit_softcapping",
      ], names: gemmaNames),
    GGUFArchitecture(
      name: "gemma3", className: "Gemma3ForCausalLM",
      keys: [
        "attention.sliding_window": "sliding_window",
        "final_logit_softcapping": "final_logit_softcapping",
        "rope.freq_base_swa": "rope_local_base_freq",
      ], names: gemmaNames),
    GGUFArchitecture(
      name: "gemma-embedding", className: "Gemma3TextModel", isEncoder: true,
      keys: [
        "attention.sliding_window": "sliding_window", "rope.freq_base_swa": "rope_local_base_freq",
      ], names: gemmaNames),
    encoder(
      "bert", "BertModel", layers: "encoder.layer",
      [
        "token_embd_norm": "embeddings.LayerNorm",
        "position_embd": "embeddings.position_embeddings",
        "attn_q": "attention.self.query", "attn_k": "attention.self.key",
        "attn_v": "attention.self.value", "attn_output": "attention.output.dense",
        "attn_output_norm": "attention.output.LayerNorm", "ffn_up": "intermediate.dense",
        "ffn_down": "output.dense", "layer_output_norm": "output.LayerNorm",
      ]),
    encoder(
      "nomic-bert", "NomicBertModel", layers: "encoder.layers",
      [
        "token_embd_norm": "emb_ln", "attn_qkv": "attn.Wqkv", "attn_output": "attn.out_proj",
        "attn_output_norm": "norm1", "ffn_up": "mlp.fc11", "ffn_gate": "mlp.fc12",
        "ffn_down": "mlp.fc2", "layer_output_norm": "norm2",
      ]),
  ]

  /// What files are written of, by the class of the model in transformers.
  static let written: [String: (row: GGUFArchitecture, kind: LlamaConfig.Architecture)] = {
    let kinds: [(String, String, LlamaConfig.Architecture)] = [
      ("LlamaForCausalLM", "llama", .llama), ("MistralForCausalLM", "llama", .mistral),
      ("Qwen2ForCausalLM", "qwen2", .qwen2), ("Qwen3ForCausalLM", "qwen3", .qwen3),
      ("Gemma2ForCausalLM", "gemma2", .gemma2), ("Gemma3ForCausalLM", "gemma3", .gemma3),
      ("Phi3ForCausalLM", "phi3", .phi3),
    ]
    var written: [String: (row: GGUFArchitecture, kind: LlamaConfig.Architecture)] = [:]
    for (className, name, kind) in kinds {
      written[className] = all.first { $0.name == name }.map { ($0, kind) }
    }
    return written
  }()

  /// Encoders that files are written of, by the class of the model in transformers.
  static let writtenEncoders = ["BertModel": "bert"].compactMapValues { name in
    all.first { $0.name == name }
  }

  /// A decoder of GPT's kind.
  private static func gpt(
    _ name: String, _ className: String, turnsPart: Bool = false, _ keys: [String: String]
  ) -> GGUFArchitecture {
    GGUFArchitecture(
      name: name, className: className, splitsProjections: true, turnsPart: turnsPart,
      namesHeadSize: false, keys: keys,
      names: [
        "attn_output": "self_attn.dense", "ffn_up": "mlp.fc1", "ffn_down": "mlp.fc2",
        "output_norm": "model.final_layernorm", "position_embd": "model.embed_positions",
      ])
  }

  /// An encoder of BERT's kind.
  private static func encoder(
    _ name: String, _ className: String, layers: String, _ names: [String: String]
  ) -> GGUFArchitecture {
    let tables = [
      "token_embd": "embeddings.word_embeddings",
      "token_types": "embeddings.token_type_embeddings",
    ]
    return GGUFArchitecture(
      name: name, className: className, namesHeadSize: false, isEncoder: true, layers: layers,
      keys: ["attention.layer_norm_epsilon": "layer_norm_eps"],
      names: names.merging(tables) { first, _ in first })
  }

  private static let gemmaNames = [
    "ffn_norm": "pre_feedforward_layernorm", "post_attention_norm": "post_attention_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
  ]

  /// Keys of all architectures, and transformers' for the same.
  static let keys = [
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "block_count": "num_hidden_layers",
    "context_length": "max_position_embeddings",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "rope.freq_base": "rope_theta",
    "vocab_size": "vocab_size",
  ]

  private static let rootNames = [
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
  ]

  private static let layerNames = [
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "ffn_gate_inp": "mlp.gate", "ffn_gate_exps": "mlp.experts.gate_proj",
    "ffn_up_exps": "mlp.experts.up_proj", "ffn_down_exps": "mlp.experts.down_proj",
    "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
    "ffn_gate_shexp": "mlp.shared_expert.gate_proj", "ffn_up_shexp": "mlp.shared_expert.up_proj",
    "ffn_down_shexp": "mlp.shared_expert.down_proj",
  ]

  /// The name of a tensor that transformers calls so; nil for one that files of this architecture do not have.
  func original(_ name: String) -> String? {
    let all = Self.rootNames.merging(Self.layerNames) { first, _ in first }
      .merging(names) { _, own in own }
    let originals = Dictionary(all.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    guard let dot = name.lastIndex(of: ".") else { return nil }
    let (module, kind) = (name[..<dot], name[dot...])
    if let root = originals[String(module)] { return root + kind }
    guard module.hasPrefix("\(layers).") else { return nil }
    let parts = module.dropFirst(layers.count + 1).split(separator: ".", maxSplits: 1)
    guard parts.count == 2, let within = originals[String(parts[1])] else { return nil }
    return "blk.\(parts[0]).\(within)\(kind)"
  }

  /// transformers' name of a tensor; its own where there is none, for an error to tell.
  ///
  /// - Parameters:
  ///   - name: llama.cpp's.
  ///   - hasSecondNorm: whether attention has a norm of its own, as of the larger Falcons: then `attn_norm` is that of
  ///     the feed-forward layer.
  /// - Returns: the name.
  func translated(_ name: String, hasSecondNorm: Bool = false) -> String {
    var parts = name.split(separator: ".").map(String.init)
    if hasSecondNorm, parts.count == 4 {
      let norms = ["attn_norm": "ffn_norm", "attn_norm_2": "attn_norm"]
      parts[2] = norms[parts[2]] ?? parts[2]
    }
    if parts.count == 4, parts[0] == "blk",
      let within = names[parts[2]] ?? Self.layerNames[parts[2]]
    {
      return "\(layers).\(parts[1]).\(within).\(parts[3])"
    }
    if parts.count == 2, let root = names[parts[0]] ?? Self.rootNames[parts[0]] {
      return "\(root).\(parts[1])"
    }
    return name
  }
}
