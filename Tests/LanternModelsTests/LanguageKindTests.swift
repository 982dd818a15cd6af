import TestSupport
import Testing

/// Small models of all kinds of decoders against transformers: tools/fixtures/language_kinds.py.
@Suite struct LanguageKindTests {
  private static let cases =
    [
      "gpt2", "gpt2_scaled", "opt", "opt_narrow", "opt_plain", "gptneox", "gptneox_sequential",
      "gptj", "falcon", "falcon_grouped", "falcon_two_norms", "falcon_one_norm",
      "falcon_sequential",
    ].map { ("gpt", $0) }
    // Experts one by one, in stacks, in some layers alone, with one for all tokens.
    + [
      "mixtral", "mixtral_stacked", "qwen2moe", "qwen2moe_windows", "qwen3moe", "qwen3moe_plain",
    ].map { ("experts", $0) }
    + ["glm", "glm_plain", "glm4", "glm4_biased", "chatglm"].map { ("glm", $0) }

  // Of whose experts some are blocks.
  private static let files =
    [
      "gpt2", "gptneox", "gptneox_sequential", "falcon", "falcon_two_norms", "falcon_one_norm",
    ].map { ("gpt", $0) }
    + ["mixtral", "qwen2moe", "qwen3moe"].map { ("experts", $0) }
    + ["glm", "glm4", "glm4_biased", "chatglm"].map { ("glm", $0) }

  @Test(
    "logits are transformers', of a text at once, token by token and in pieces", arguments: cases)
  func logits(subject: String, name: String) throws {
    try LanguageModelCase("language_kinds/\(subject)", name).expectWholeAndCached(name)
  }

  @Test("several texts behind one beginning are, to the bit, what each is alone", arguments: cases)
  func several(subject: String, name: String) throws {
    try LanguageModelCase("language_kinds/\(subject)", name).expectSeveral(name)
  }

  @Test("logits of GGUF files are transformers' of the same weights", arguments: files)
  func gguf(subject: String, name: String) throws {
    try LanguageModelCase("language_kinds/\(subject)", name).expectGGUF(
      "language_kinds/\(name).gguf")
  }
}
