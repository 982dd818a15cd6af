/// Settings that every configuration of `transformers` has and that change nothing of what a model
/// computes: of training and generation, names and bookkeeping.
enum TransformersSettings {
  static let harmless: Set<String> = [
    "architectures", "attention_dropout", "auto_map", "bos_token_id", "chunk_size_feed_forward",
    "dtype", "eos_token_id", "gradient_checkpointing", "id2label", "initializer_range",
    "is_decoder", "is_encoder_decoder", "label2id", "model_type", "output_attentions",
    "output_hidden_states", "pad_token_id", "problem_type", "return_dict", "tie_word_embeddings",
    "torch_dtype", "torchscript", "transformers_version", "use_cache",
  ]
}
