package import LanternFormats
package import LanternLayers
import LanternTensor

/// A language model in a GGUF file, as llama.cpp's converter writes it, in the terms of transformers' files: the
/// settings of its class, and tensors under that class's names.
package struct GGUFLanguageModel {
  /// The class of ``ModelCatalogue/languageModels``.
  package let className: String
  /// Its settings.
  package let config: Config
  /// Its tensors.
  package let tensors: any TensorFile

  /// What a `general.architecture` is.
  private struct Architecture {
    let name: String
    let className: String
    /// Whether rows of queries and keys lie in the order of pairs 2i and 2i + 1.
    var isInterleaved = false
  }

  private static let architectures = [
    Architecture(name: "llama", className: "LlamaForCausalLM", isInterleaved: true),
    Architecture(name: "qwen2", className: "Qwen2ForCausalLM"),
    Architecture(name: "qwen3", className: "Qwen3ForCausalLM"),
  ]

  /// Keys of a file behind its architecture's name, and transformers' for the same.
  private static let settings = [
    ("attention.head_count", "num_attention_heads"),
    ("attention.head_count_kv", "num_key_value_heads"),
    ("attention.key_length", "head_dim"),
    ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
    ("block_count", "num_hidden_layers"),
    ("context_length", "max_position_embeddings"),
    ("embedding_length", "hidden_size"),
    ("feed_forward_length", "intermediate_size"),
    ("rope.freq_base", "rope_theta"),
    ("vocab_size", "vocab_size"),
  ]

  /// Keys that are read apart, or say what other keys and tensors do.
  private static let others: Set = [
    "attention.value_length", "rope.dimension_count", "rope.scaling.type", "rope.scaling.factor",
    "rope.scaling.original_context_length", "rope.scaling.finetuned", "rope.scaling.attn_factor",
    "expert_count", "expert_used_count", "attention.causal",
  ]

  private static let names = NameTable([
    (from: "token_embd", to: "model.embed_tokens"), (from: "output_norm", to: "model.norm"),
    (from: "output", to: "lm_head"), (from: "blk", to: "model.layers"),
  ])

  /// Names within a layer.
  private static let layerNames = NameTable([
    (from: "attn_norm", to: "input_layernorm"), (from: "attn_q", to: "self_attn.q_proj"),
    (from: "attn_k", to: "self_attn.k_proj"), (from: "attn_v", to: "self_attn.v_proj"),
    (from: "attn_output", to: "self_attn.o_proj"), (from: "attn_q_norm", to: "self_attn.q_norm"),
    (from: "attn_k_norm", to: "self_attn.k_norm"),
    (from: "ffn_norm", to: "post_attention_layernorm"),
    (from: "ffn_gate", to: "mlp.gate_proj"), (from: "ffn_up", to: "mlp.up_proj"),
    (from: "ffn_down", to: "mlp.down_proj"),
  ])

  /// Reads what a file says of itself.
  ///
  /// - Throws: ``ModelError/file(_:)`` for an architecture, or a setting that changes results, that Lantern
  ///   does not have.
  package init(_ file: GGUFFile) throws(ModelError) {
    do throws(FormatError) {
      guard let name = file.values["general.architecture"]?.string else {
        throw .missingKey(key: "general.architecture", file: file.path)
      }
      guard let row = Self.architectures.first(where: { $0.name == name }) else {
        throw .unsupportedSetting(
          key: "general.architecture", value: JSON.quoted(name), file: file.path)
      }
      className = row.className
      let settings = try Self.settings(file, name)
      config = Config(settings, file: file.path)
      tensors = try Self.tensors(file, settings, row)
    } catch {
      throw .file(error)
    }
  }

  /// transformers' settings of a file.
  private static func settings(_ file: GGUFFile, _ architecture: String) throws(FormatError)
    -> [String: JSONValue]
  {
    var settings: [String: JSONValue] = [:]
    for (key, value) in file.values where key.hasPrefix("\(architecture).") {
      let name = String(key.dropFirst(architecture.count + 1))
      guard let known = Self.settings.first(where: { $0.0 == name })?.1 else {
        guard others.contains(name) else {
          throw .unsupportedSetting(key: key, value: "set", file: file.path)
        }
        continue
      }
      if let integer = value.integer {
        settings[known] = .integer(integer)
      } else if let number = value.number {
        settings[known] = .number(number)
      } else {
        throw .wrongType(key: key, expected: "a number", file: file.path)
      }
    }
    func value(_ name: String) -> GGUFValue? { file.values["\(architecture).\(name)"] }
    for (name, allowed) in [("expert_count", 0), ("attention.causal", 1)] {
      guard let found = value(name), found.integer ?? (found.bool == true ? 1 : 0) != allowed else {
        continue
      }
      throw .unsupportedSetting(
        key: "\(architecture).\(name)", value: found.integer.map { "\($0)" } ?? "false",
        file: file.path)
    }
    try complete(&settings, file, architecture, value)
    return settings
  }

  /// Adds what follows from tensors and from several keys.
  private static func complete(
    _ settings: inout [String: JSONValue], _ file: GGUFFile, _ architecture: String,
    _ value: (String) -> GGUFValue?
  ) throws(FormatError) {
    if let rows = file.info("token_embd.weight")?.shape.first {
      settings["vocab_size"] = .integer(rows)
    }
    settings["tie_word_embeddings"] = .bool(!file.contains("output.weight"))
    if architecture != "qwen2" {
      settings["attention_bias"] = .bool(file.contains("blk.0.attn_q.bias"))
    }
    let heads = settings["num_attention_heads"]?.integer ?? 1
    let size =
      settings["head_dim"]?.integer ?? (settings["hidden_size"]?.integer ?? 0) / max(1, heads)
    settings["head_dim"] = .integer(size)
    for name in ["attention.value_length", "rope.dimension_count"] {
      if let found = value(name)?.integer, found != size {
        throw .unsupportedSetting(
          key: "\(architecture).\(name)", value: "\(found), where heads have \(size)",
          file: file.path)
      }
    }
    if let divisors = try file.tensor("rope_freqs.weight") {
      do {
        let numbers = try divisors.converted(to: .float32).floats()
        settings["rope_divisors"] = .array(numbers.map { .number(Double($0)) })
      } catch {
        throw .tensor(error)
      }
    }
    let kind = value("rope.scaling.type")?.string ?? "none"
    if kind == "linear" {
      settings["rope_scaling"] = .object([
        "rope_type": .string("linear"),
        "factor": .number(value("rope.scaling.factor")?.number ?? 1),
      ])
    } else if kind != "none" {
      throw .unsupportedSetting(
        key: "\(architecture).rope.scaling.type", value: JSON.quoted(kind), file: file.path)
    }
  }

  private static func tensors(
    _ file: GGUFFile, _ settings: [String: JSONValue], _ row: Architecture
  ) throws(FormatError) -> any TensorFile {
    let heads = settings["num_attention_heads"]?.integer ?? 1
    let views = file.names.compactMap { original -> (name: String, view: TensorView)? in
      guard original != "rope_freqs.weight" else { return nil }
      var view = TensorView(original)
      guard row.isInterleaved else { return (translated(original), view) }
      if original.contains(".attn_q.") { view.interleavedHeads = heads }
      if original.contains(".attn_k.") {
        view.interleavedHeads = settings["num_key_value_heads"]?.integer ?? heads
      }
      return (translated(original), view)
    }
    return RenamedFile(file, views)
  }

  /// transformers' name of a tensor; its own where there is none, for an error to tell.
  private static func translated(_ name: String) -> String {
    let parts = name.split(separator: ".", maxSplits: 2).map(String.init)
    if parts.count == 3, parts[0] == "blk", let within = layerNames(parts[2]) {
      return "model.layers.\(parts[1]).\(within)"
    }
    return names(name) ?? name
  }
}
