import LanternFormats
import LanternLayers
import LanternModels
import TestSupport
import Testing

/// GLM 4's and ChatGLM's decoders against transformers: tools/fixtures/language_kinds.py.
@Suite struct GLMTests {
  private func model(_ name: String) throws -> LanguageModelCase {
    try LanguageModelCase("language_kinds/glm", name)
  }

  @Test("ChatGLM's settings that are not here, and sizes that make no model, are refused by name")
  func refusals() throws {
    let cases: [(String, String, JSONValue, String)] = [
      ("chatglm", "add_bias_linear", true, "\"add_bias_linear\""),
      ("chatglm", "rmsnorm", false, "\"rmsnorm\""),
      ("chatglm", "post_layer_norm", false, "\"post_layer_norm\""),
      ("chatglm", "apply_residual_connection_post_layernorm", true, "post_layernorm"),
      ("chatglm", "quantization_bit", 3, "\"quantization_bit\""),
      ("chatglm", "pre_seq_len", 128, "\"pre_seq_len\""),
      ("chatglm", "original_rope", false, "\"original_rope\""),
      ("chatglm", "multi_query_group_num", 0, "sizes must be positive"),
      ("chatglm", "multi_query_group_num", 3, "must divide"),
      ("chatglm", "num_layers", -1, "sizes must be positive"),
      ("chatglm", "kv_channels", 0, "sizes must be positive"),
      ("chatglm", "padded_vocab_size", .integer(.max), "sizes must be positive"),
      ("chatglm", "rope_ratio", -1, "\"rope_theta\""),
      ("chatglm", "multi_query_attention", false, "query_key_value"),
      ("chatglm", "num_layers", "two", "\"num_layers\""),
      ("glm4", "head_dim", 0, "sizes must be positive"),
      ("glm4", "num_attention_heads", -2, "sizes must be positive"),
      ("glm4", "hidden_act", "mish", "\"hidden_act\" is mish"),
    ]
    for (name, key, value, words) in cases { try model(name).expectRefusal(key, value, words) }
  }
}
