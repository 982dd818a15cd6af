import LanternFormats
import LanternLayers

extension LlamaConfig {
  /// What routers' training is steered by.
  static let routerTraining: Set = [
    "output_router_logits", "router_aux_loss_coef", "router_jitter_noise",
  ]

  /// How a class calls tensors, where it is otherwise than Llama's and Gemma's.
  static func names(_ architecture: Architecture) -> DecoderNames? {
    // transformers 5 has experts in stacks, and writes them one by one; llama.cpp has stacks.
    let stacks: [String: DecoderNames.Part] = [
      "mlp.experts.gate_up_proj": .gatedStack, "mlp.experts.gate_proj": .stack("gate_proj"),
      "mlp.experts.up_proj": .stack("up_proj"), "mlp.experts.down_proj": .stack("down_proj"),
    ]
    return switch architecture {
    case .mixtral:
      DecoderNames(
        parts: stacks.merging([
          "block_sparse_moe.gate": .module("mlp.gate"),
          "block_sparse_moe.experts.#.w1": .module("mlp.experts.#.gate_proj"),
          "block_sparse_moe.experts.#.w2": .module("mlp.experts.#.down_proj"),
          "block_sparse_moe.experts.#.w3": .module("mlp.experts.#.up_proj"),
        ]) { $1 })
    case .qwen2Moe, .qwen3Moe: DecoderNames(parts: stacks)
    case .glm4:
      DecoderNames(parts: [
        "post_self_attn_layernorm": .module("post_attention_layernorm"),
        "post_attention_layernorm": .module("pre_feedforward_layernorm"),
        "post_mlp_layernorm": .module("post_feedforward_layernorm"),
      ])
    default: nil
    }
  }

  /// How layers choose among experts, and which do.
  static func experts(_ config: Config, _ architecture: Architecture, _ sizes: DecoderSizes)
    throws(FormatError) -> (settings: MixtureOfExperts.Settings, layers: Set<Int>)?
  {
    let layers = Set(0..<max(0, min(sizes.layers, 1024)))
    switch architecture {
    case .mixtral:
      return (
        MixtureOfExperts.Settings(
          count: try count(config, "num_local_experts", "num_experts", default: 8),
          chosen: try config.integer("num_experts_per_tok", default: 2), inner: sizes.inner,
          isNormalized: true), layers
      )
    case .qwen2Moe, .qwen3Moe:
      let isQwen2 = architecture == .qwen2Moe
      let standard =
        isQwen2 ? (count: 60, chosen: 4, inner: 1408) : (count: 128, chosen: 8, inner: 768)
      let settings = MixtureOfExperts.Settings(
        count: try count(
          config, "num_experts", "num_local_experts", default: standard.count),
        chosen: try config.integer("num_experts_per_tok", default: standard.chosen),
        inner: try config.integer("moe_intermediate_size", default: standard.inner),
        sharedInner: isQwen2
          ? try config.integer("shared_expert_intermediate_size", default: 5632) : nil,
        isNormalized: try config.bool("norm_topk_prob", default: false))
      let step = try config.integer("decoder_sparse_step", default: 1)
      guard step > 0 else {
        throw .unsupportedSetting(
          key: "decoder_sparse_step", value: "\(step)", file: config.file)
      }
      let dense = Set(try config.integers("mlp_only_layers", default: []))
      return (settings, layers.filter { !dense.contains($0) && ($0 + 1) % step == 0 })
    default: return nil
    }
  }

  /// A number that classes call by two names.
  private static func count(
    _ config: Config, _ name: String, _ other: String, default standard: Int
  ) throws(FormatError) -> Int {
    if let found = try config.optionalInteger(name) { return found }
    return try config.integer(other, default: standard)
  }

  /// Checks how many experts there are, and their sizes.
  ///
  /// - Throws: ``ModelError/inconsistent(reason:file:)``.
  func checkExperts(_ file: String) throws(ModelError) {
    guard let settings = experts?.settings else { return }
    let sizes = [settings.inner, settings.sharedInner ?? 1]
    guard (1...DecoderNames.expertLimit).contains(settings.count),
      (1...settings.count).contains(settings.chosen),
      sizes.allSatisfy({ (1...1 << 24).contains($0) })
    else {
      throw .inconsistent(
        reason:
          "there must be from 1 to \(DecoderNames.expertLimit) experts, num_experts_per_tok be so many of them, "
          + "and their sizes be positive", file: file)
    }
  }
}
