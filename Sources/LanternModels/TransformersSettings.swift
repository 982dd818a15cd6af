import LanternFormats
import LanternTensor

/// Settings that every configuration of `transformers` has.
enum TransformersSettings {
  /// Those that change nothing of what a model computes: of training and generation, names and bookkeeping.
  static let harmless: Set<String> = [
    "architectures", "attention_dropout", "auto_map", "bos_token_id", "chunk_size_feed_forward",
    "dtype", "eos_token_id", "gradient_checkpointing", "id2label", "initializer_range",
    "is_decoder", "is_encoder_decoder", "label2id", "model_type", "output_attentions",
    "output_hidden_states", "pad_token_id", "problem_type", "return_dict", "tie_word_embeddings",
    "torch_dtype", "torchscript", "transformers_version", "use_cache",
  ]

  private static let activations: [String: Activation] = [
    "gelu": .gelu, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh, "quick_gelu": .quickGELU,
    "relu": .relu, "silu": .silu, "swish": .silu,
  ]

  /// The `hidden_act`, or what a class calls it.
  ///
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)`` for one that is not here.
  static func activation(
    _ config: Config, _ key: String = "hidden_act", default defaultValue: String
  ) throws(FormatError) -> Activation {
    try activation(
      named: config.string(key, default: defaultValue), key: key, file: config.file)
  }

  /// The activation of a name.
  ///
  /// - Throws: ``FormatError/unsupportedSetting(key:value:file:)`` for one that is not here.
  static func activation(named name: String, key: String, file: String) throws(FormatError)
    -> Activation
  {
    guard let known = activations[name] else {
      throw .unsupportedSetting(key: key, value: name, file: file)
    }
    return known
  }
}
