import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Texts of small random models that are held to a form.
@Suite struct HeldTextTests {
  private func request(tokens: Int, seed: UInt64, temperature: Float = 1.5) -> LanguageRequest {
    var request = LanguageRequest(prompt: "The red fox")
    (request.maximumTokens, request.seed) = (tokens, seed)
    (request.temperature, request.topP) = (temperature, 1)
    return request
  }

  @Test(
    "text is JSON that the schema allows, whatever the model and however few tokens",
    arguments: ["qwen2", "llama"])
  func schema(name: String) throws {
    let generator = try LanguageGenerator(path: fixture("gguf_models/\(name).gguf"))
    var cut = 0
    for seed in 0..<6 {
      for tokens in [8, 20, 45] {
        var request = request(tokens: tokens, seed: UInt64(seed))
        request.schema = """
          {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"type":
          "number"}}}, "required": ["a"]}
          """
        let result = try generator.write(request) { _ in }
        let value = try JSON.parse(text: result.text, file: "the text")
        #expect(value.object?["a"]?.string != nil && result.tokens <= tokens, "\(result.text)")
        // Cut texts are told, and no others.
        let isNoted = result.notes.contains { $0.contains("shortest way") }
        #expect(result.ending == .endOfText || isNoted || result.tokens == tokens)
        cut += isNoted ? 1 : 0
      }
    }
    #expect(cut > 0)
  }

  @Test("greedy text follows the model within the form, and ends with it")
  func choices() throws {
    let generator = try LanguageGenerator(path: fixture("gguf_models/qwen2.gguf"))
    var request = request(tokens: 30, seed: 1, temperature: 0)
    request.choices = ["yes", "no"]
    let result = try generator.write(request) { _ in }
    #expect(["yes", "no"].contains(result.text) && result.ending == .endOfText)
    // A bias on the first byte decides.
    for (word, byte) in [("yes", "y"), ("no", "n")] {
      let id = try #require(generator.model.tokenizer.encode(byte).first)
      request.logitBias = [id: 100]
      request.choices = ["y", "n"].map { $0 == byte ? $0 : "never" } + [word]
      #expect(try generator.write(request) { _ in }.text.hasPrefix(byte))
    }
  }

  @Test(
    "a form that needs more tokens than are allowed, two forms, and stop strings next to one are refused"
  )
  func refused() throws {
    let generator = try LanguageGenerator(path: fixture("gguf_models/qwen2.gguf"))
    var request = request(tokens: 3, seed: 1)
    request.regex = "[0-9]{20}"
    let long = #expect(throws: ConstraintError.self) { try generator.write(request) { _ in } }
    #expect(long.map { "\($0)".contains("20 tokens") } == true)
    request.maximumTokens = 20
    #expect(try generator.write(request) { _ in }.text.count == 20)
    request.stop = ["7"]
    #expect(throws: RequestError.self) { try generator.write(request) { _ in } }
    request.stop = []
    request.choices = ["a"]
    #expect(throws: RequestError.self) { try generator.write(request) { _ in } }
  }
}
