import Lantern
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Prompts that a language model makes richer.
@Suite struct PromptEnricherTests {
  @Test("the prompt's words stay, and words alone follow: the same of the same seed")
  func words() async throws {
    try await withTemporaryFolder { folder in
      let enricher = try PromptEnricher(path: longContextModel("qwen2.gguf", in: folder))
      for prompt in ["a (red:1.3) fox, [day|night].", "zwei Häuser\nam See"] {
        let enriched = try await enricher.enriched(prompt, seed: 1)
        let begin = prompt.hasSuffix(".") ? String(prompt.dropLast()) : prompt
        #expect(enriched.original == prompt && enriched.text.hasPrefix(begin))
        let details = enriched.text.dropFirst(begin.count)
        #expect(details.count > 10 && !details.contains { "()[]{}<>|\\:\n".contains($0) })
        #expect(try await enricher.enriched(prompt, seed: 1) == enriched)
        #expect(try await enricher.enriched(prompt, seed: 2) != enriched)
      }
      let empty = try await enricher.enriched(" ", seed: 1)
      #expect(empty.text == " ")
      let long = String(repeating: "fox ", count: 5000)
      await #expect(throws: RequestError.self) { try await enricher.enriched(long, seed: 1) }
    }
  }

  @Test("each detail is said once, and marks between prompt and details too")
  func joining() {
    func joined(_ prompt: String, _ details: String) -> String {
      PromptEnricher.joined(prompt, details, besides: PromptEnricher.plain(prompt))
    }
    #expect(joined("a fox.", ", snow, soft  light, Snow, a fox\n") == "a fox, snow, soft light")
    #expect(joined("a (fox:2), ", " in the snow, dusk") == "a (fox:2) in the snow, dusk")
    #expect(joined("a fox.", ",\n") == "a fox.")
  }

  @Test("a recipe has the prompt before, until there is another prompt")
  func recipe() throws {
    var request = ImageRequest(prompt: "a fox")
    #expect(request.originalPrompt == nil)
    request.take(EnrichedPrompt(original: "a fox", text: "a fox, snow"))
    #expect(request.prompt == "a fox, snow" && request.originalPrompt == "a fox")
    request.prompt = "a cat"
    #expect(request.originalPrompt == nil)
  }
}
