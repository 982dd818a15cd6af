import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Language models in folders, from tokenizer to logits: tools/fixtures/language_folders.py.
@Suite struct LanguageFolderTests {
  // In parts of safetensors; in parts of pickles; in one file. Phi-3's rotation changes while the text is written.
  @Test(
    "a folder's greedy text and its logits are transformers', with settings of its versions 4 and 5",
    arguments: [
      "llama", "mistral", "qwen3", "gemma3", "phi3", "gpt2", "opt", "qwen2_moe", "glm4",
    ])
  func folders(name: String) throws {
    let generator = try LanguageGenerator(
      path: fixture("language_folders/\(name)"), precision: .exact)
    var request = LanguageRequest(prompt: "the fox, and the fox")
    (request.maximumTokens, request.temperature) = (6, 0)
    var parts: [Tensor] = []
    let result = try generator.write(
      request, onLogits: { _, logits in parts.append(logits) }, onEvent: { _ in })
    #expect(result.ending == .length && result.notes.isEmpty && generator.notes.isEmpty)
    let all = try Tensor.concatenated(parts, axis: 1)
    let reference = try SafetensorsFile(fixture("language_folders/logits.safetensors"))
    let wanted = try #require(try reference.tensor("\(name).logits"))
    // Each row follows from all tokens up to its own, so equal logits are of equal texts.
    let worst = try expectEqual(
      all.reshaped([all.shape[1], all.shape[2]]), wanted, relative: 1e-4, name)
    tell(name, isFrom: "transformers", by: worst)
  }
}
