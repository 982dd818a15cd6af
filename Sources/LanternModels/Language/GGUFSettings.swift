import LanternFormats
import LanternTensor

/// The settings of a GGUF file's language model under transformers' names.
struct GGUFSettings {
  private(set) var members: [String: JSONValue] = [:]
  /// The class whose settings they are.
  let className: String
  private let file: GGUFFile
  private let row: GGUFArchitecture

  /// Keys that are read apart, or say what other keys and tensors do.
  private static let others: Set = [
    "attention.value_length", "rope.dimension_count", "rope.scaling.type", "rope.scaling.factor",
    "rope.scaling.original_context_length", "rope.scaling.finetuned", "rope.scaling.attn_factor",
    "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_ext_factor", "rope.scale_linear", "attention.sliding_window_pattern",
    "expert_count", "expert_used_count", "attention.causal", "pooling_type", "tensor_data_layout",
    "dense_2_feat_in", "dense_2_feat_out", "dense_3_feat_in", "dense_3_feat_out",
  ]

  /// Tensors that hold settings.
  static let tensors: Set = [
    "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight",
  ]

  /// - Throws: ``FormatError`` for a key that changes results and that Lantern does not have.
  init(_ file: GGUFFile, _ row: GGUFArchitecture) throws(FormatError) {
    (self.file, self.row) = (file, row)
    let experts = file.values["\(row.name).expert_count"]?.integer ?? 0
    className = experts == 0 ? row.className : row.expertsClassName ?? row.className
    try readKeys()
    if let rows = file.info("token_embd.weight")?.shape.first {
      members["vocab_size"] = .integer(rows)
    }
    members["tie_word_embeddings"] = .bool(!file.contains("output.weight"))
    if experts != 0 { readExperts(experts) }
    if ["llama", "qwen3", "qwen3moe", "chatglm", "glm4"].contains(row.name),
      className != "MixtralForCausalLM"
    {
      members["attention_bias"] = .bool(
        file.contains("blk.0.attn_q.bias") || file.contains("blk.0.attn_qkv.bias"))
    }
    let size = try readHeads()
    try readRotation(headSize: size)
    if row.className.hasPrefix("Gemma") { try readGemma(headSize: size) }
    if row.isEncoder { readEncoder() }
    if row.name == "falcon" {
      // Any of its kinds: with one norm in a layer, or two.
      members["new_decoder_architecture"] = .bool(true)
      members["num_ln_in_parallel_attn"] = .integer(
        file.contains("blk.0.attn_norm_2.weight") ? 2 : 1)
    }
    if row.name == "phi3", members["sliding_window"] == .integer(0) {
      members["sliding_window"] = nil
    }
  }

  private mutating func readKeys() throws(FormatError) {
    for (key, value) in file.values where key.hasPrefix("\(row.name).") {
      let name = String(key.dropFirst(row.name.count + 1))
      guard let known = row.keys[name] ?? GGUFArchitecture.keys[name] else {
        guard Self.others.contains(name) else {
          throw .unsupportedSetting(key: key, value: "set", file: file.path)
        }
        continue
      }
      if let integer = value.integer {
        members[known] = .integer(integer)
      } else if let number = value.number {
        members[known] = .number(number)
      } else if let flag = value.bool {
        members[known] = .bool(flag)
      } else {
        throw .wrongType(key: key, expected: "a number", file: file.path)
      }
    }
    let refused =
      (row.isEncoder ? [("attention.causal", 0)] : [("attention.causal", 1)])
      + (row.expertsClassName == nil ? [("expert_count", 0)] : [])
    for (name, allowed) in refused {
      guard let found = value(name), found.integer ?? (found.bool == true ? 1 : 0) != allowed else {
        continue
      }
      throw refusal(name, found.integer.map { "\($0)" } ?? "false")
    }
  }

  private mutating func readExperts(_ count: Int) {
    members["num_experts"] = .integer(count)
    members["num_experts_per_tok"] = value("expert_used_count")?.integer.map { .integer($0) }
    // As llama.cpp does, without a key.
    if row.name == "qwen3moe" { members["norm_topk_prob"] = .bool(true) }
  }

  /// What an encoder's tensors say, and its class has no setting for.
  private mutating func readEncoder() {
    if row.className == "Gemma3TextModel" {
      members["use_bidirectional_attention"] = .bool(true)
      return
    }
    members["num_key_value_heads"] = nil
    members["type_vocab_size"] = file.info("token_types.weight").map { .integer($0.shape[0]) }
  }

  private func value(_ name: String) -> GGUFValue? { file.values["\(row.name).\(name)"] }

  private func refusal(_ name: String, _ value: String) -> FormatError {
    .unsupportedSetting(key: "\(row.name).\(name)", value: value, file: file.path)
  }

  /// The size of heads, and which part of them turns.
  private mutating func readHeads() throws(FormatError) -> Int {
    let heads = members["num_attention_heads"]?.integer ?? 1
    let size =
      members["head_dim"]?.integer ?? (members["hidden_size"]?.integer ?? 0) / max(1, heads)
    members["head_dim"] = row.namesHeadSize ? .integer(size) : nil
    if let found = value("attention.value_length")?.integer, found != size {
      throw refusal("attention.value_length", "\(found), where heads have \(size)")
    }
    guard let turned = value("rope.dimension_count")?.integer, turned != size || row.turnsPart
    else { return size }
    guard row.turnsPart, (1...max(1, size)).contains(turned) else {
      throw refusal("rope.dimension_count", "\(turned), where heads have \(size)")
    }
    members["partial_rotary_factor"] = .number(RopeParameters.share(turned, of: size))
    return size
  }

  private func numbers(_ name: String) throws(FormatError) -> JSONValue? {
    guard let tensor = try file.tensor(name) else { return nil }
    do {
      return .array(try tensor.converted(to: .float32).floats().map { .number(Double($0)) })
    } catch {
      throw .tensor(error)
    }
  }

  /// What scales the frequencies of positions: llama.cpp's keys, read as its `load_hparams` does.
  private mutating func readRotation(headSize: Int) throws(FormatError) {
    members["rope_divisors"] = try numbers("rope_freqs.weight")
    let factor = (value("rope.scaling.factor") ?? value("rope.scale_linear"))?.number ?? 0
    var kind = value("rope.scaling.type")?.string ?? (factor == 0 ? "none" : "linear")
    var scaling: [String: JSONValue] = [:]
    if let long = try numbers("rope_factors_long.weight"),
      let short = try numbers("rope_factors_short.weight")
    {
      kind = "longrope"
      (scaling["long_factor"], scaling["short_factor"]) = (long, short)
      scaling["attention_factor"] = value("rope.scaling.attn_factor")?.number.map { .number($0) }
    } else if let found = value("rope.scaling.attn_factor")?.number, found != 1 {
      throw refusal("rope.scaling.attn_factor", "\(found)")
    }
    switch kind {
    case "none": return
    case "longrope" where !scaling.isEmpty: break
    case "linear":
      guard factor != 0, factor != 1 else { return }
      scaling["factor"] = .number(factor)
    case "yarn":
      scaling["factor"] = .number(factor == 0 ? 1 : factor)
      scaling["original_max_position_embeddings"] =
        value("rope.scaling.original_context_length")?.integer.map { .integer($0) }
      for (key, name) in [
        ("yarn_attn_factor", "attention_factor"), ("yarn_beta_fast", "beta_fast"),
        ("yarn_beta_slow", "beta_slow"),
      ] {
        scaling[name] = value("rope.scaling.\(key)")?.number.map { .number($0) }
      }
      if let found = value("rope.scaling.yarn_ext_factor")?.number, found != 1 {
        throw refusal("rope.scaling.yarn_ext_factor", "\(found)")
      }
    default: throw refusal("rope.scaling.type", JSON.quoted(kind))
    }
    scaling["rope_type"] = .string(kind)
    members["rope_scaling"] = .object(scaling)
  }

  /// What llama.cpp knows of Gemma without a key.
  private mutating func readGemma(headSize: Int) throws(FormatError) {
    members["norms_add_one"] = .bool(false)
    let isGemma2 = row.name == "gemma2"
    let layers = members["num_hidden_layers"]?.integer ?? 0
    // The 27 B models alone scale by features over heads.
    let isLargest = layers == (isGemma2 ? 46 : 62)
    let features = members["hidden_size"]?.integer ?? 0
    let heads = members["num_attention_heads"]?.integer ?? 1
    members["query_pre_attn_scalar"] = .integer(
      isLargest && heads > 0 ? features / heads : headSize)
    if members["rope_theta"] == nil { members["rope_theta"] = .number(10000) }
    let window = members["sliding_window"]?.integer ?? (isGemma2 ? 4096 : 0)
    members["sliding_window"] = window == 0 ? nil : .integer(window)
    var isWindowed = (0..<max(0, min(layers, 1024))).map { ($0 + 1) % (isGemma2 ? 2 : 6) != 0 }
    if let pattern = value("attention.sliding_window_pattern") {
      guard let every = pattern.integer, every >= 0 else {
        throw refusal("attention.sliding_window_pattern", "no number")
      }
      isWindowed = isWindowed.indices.map { every == 0 || $0 % every < every - 1 }
    }
    members["layer_types"] = .array(
      isWindowed.map { .string($0 && window != 0 ? "sliding_attention" : "full_attention") })
  }
}
