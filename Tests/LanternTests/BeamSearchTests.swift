import Foundation
import Lantern
import LanternDecoding
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// Beam search against transformers: tools/fixtures/beam_search.py.
@Suite struct BeamSearchTests {
  private struct Case: Decodable {
    let model: String
    let beams: Int, tokens: Int, minimum: Int
    let length_penalty: Float
    let ends: [Int]
    let texts: [[Int]]
    let scores: [Float]
  }

  private struct Reference: Decodable {
    let prompt: [Int]
    let cases: [Case]
  }

  private func reference() throws -> Reference {
    let data = try Data(contentsOf: URL(fileURLWithPath: fixture("beam_search.json")))
    return try JSONDecoder().decode(Reference.self, from: data)
  }

  /// A model that other tokens end a text of.
  private func generator(_ name: String, ends: [Int]) throws -> LanguageGenerator {
    var model = try LanguageGenerator(
      path: fixture("language_folders/\(name)"), precision: .exact
    ).model
    model.ends = Set(ends)
    return LanguageGenerator(model)
  }

  @Test("texts and their scores are transformers', the likeliest first, for any length penalty")
  func texts() throws {
    let reference = try reference()
    var worst: Float = 0
    for one in reference.cases {
      let generator = try generator(one.model, ends: one.ends)
      var request = LanguageRequest(prompt: "")
      (request.beams, request.lengthPenalty) = (one.beams, one.length_penalty)
      (request.maximumTokens, request.minimumTokens) = (one.tokens, one.minimum)
      var context = try generator.makeContext()
      let results = try generator.search(
        request, count: one.beams, behind: reference.prompt, in: &context
      ) { _, _ in }
      let wanted = one.texts.map {
        String(decoding: generator.model.tokenizer.decode($0), as: UTF8.self)
      }
      #expect(results.map(\.text) == wanted, "\(one.model) \(one.beams) \(one.length_penalty)")
      #expect(results.map(\.tokens) == one.texts.map(\.count))
      for (result, score) in zip(results, one.scores) {
        let difference = try abs(#require(result.score) - score) / max(1, abs(score))
        worst = max(worst, difference)
        #expect(difference < 1e-4, "\(one.model): \(result.score ?? 0) for \(score)")
      }
    }
    tell("beam search's scores", isFrom: "transformers", by: worst)
  }

  @Test("what does not go with beams is refused or told, and a conversation may have them")
  func settings() async throws {
    let path = fixture("gguf_models/qwen2.gguf")
    let generator = try LanguageGenerator(path: path)
    var request = LanguageRequest(prompt: "the fox")
    (request.maximumTokens, request.beams) = (6, 3)
    let best = try await generator.text(request)
    #expect(try await generator.texts(request, count: 3).first?.text == best.text)
    #expect(best.notes.isEmpty && best.score != nil)
    request.topK = 5
    #expect(
      try await generator.text(request).notes.contains { $0.contains("top-k without effect") })
    request.topK = 0
    let changes: [(String, (inout LanguageRequest) -> Void)] = [
      ("a form", { $0.regex = "a+" }), ("stop strings", { $0.stop = ["a"] }),
      ("1 to 64", { $0.beams = 65 }), ("length penalty", { $0.lengthPenalty = .nan }),
    ]
    for (word, change) in changes {
      var request = request
      change(&request)
      let error = await #expect(throws: RequestError.self) { try await generator.text(request) }
      #expect(error.map { "\($0)".contains(word) } == true, "\(word)")
    }
    await #expect(throws: RequestError.self) { try await generator.texts(request, count: 4) }
    #expect(throws: RequestError.self) {
      try generator.write(request, onLogits: { _, _ in }, onEvent: { _ in })
    }
    request.maximumTokens = 20
    let phi3 = try LanguageGenerator(path: fixture("language_folders/phi3"))
    let long = await #expect(throws: RequestError.self) { try await phi3.text(request) }
    #expect(long.map { "\($0)".contains("beyond 12") } == true)
    request.maximumTokens = 6
    var conversation = try LanguageConversation(
      generator, template: ("{% for m in messages %}{{ m.content }}{% endfor %}", "short"))
    #expect(try conversation.answer("the fox", request) { _ in }.text == best.text)
  }
}
