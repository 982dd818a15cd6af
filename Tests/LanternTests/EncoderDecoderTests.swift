import Foundation
import Lantern
import LanternFormats
import TestSupport
import Testing

/// Answers of a small random T5 against transformers' `generate`: tools/fixtures/t5_folder.py.
@Suite struct EncoderDecoderTests {
  private let path = fixture("t5_folder")

  private func answers() throws -> [[String: JSONValue]] {
    try #require(try JSON.read("\(path)/answers.json").array).compactMap(\.object)
  }

  private func ids(_ answer: [String: JSONValue], _ key: String) -> [Int] {
    answer[key]?.array?.compactMap(\.integer) ?? []
  }

  private func request(_ answer: [String: JSONValue]) -> LanguageRequest {
    var request = LanguageRequest(prompt: answer["prompt"]?.string ?? "")
    (request.maximumTokens, request.temperature) = (24, 0)
    return request
  }

  @Test("greedy answers are transformers' very tokens, in f32 and with a cache of f16")
  func greedy() async throws {
    for cacheType in [KVCacheType.f32, .f16] {
      let generator = try LanguageGenerator(
        path: path, precision: .exact, cacheType: cacheType)
      for answer in try answers() {
        let result = try await generator.text(request(answer))
        let wanted = ids(answer, "ids").dropFirst().filter { $0 != 1 }
        let text = String(decoding: generator.model.tokenizer.decode(Array(wanted)), as: UTF8.self)
        #expect(result.text == text, "\(answer["prompt"]?.string ?? "")")
        #expect(result.tokens == wanted.count)
        #expect(result.promptTokens == ids(answer, "prompt_ids").count)
        #expect((result.ending == .endOfText) == ids(answer, "ids").contains(1))
      }
    }
  }

  @Test("beams give transformers' answers, and several texts at once those of their seeds alone")
  func several() async throws {
    let generator = try LanguageGenerator(path: path, precision: .exact)
    for answer in try answers() {
      var request = request(answer)
      request.beams = 3
      let result = try await generator.text(request)
      let wanted = ids(answer, "beam_ids").dropFirst().prefix { $0 != 1 }
      let text = String(decoding: generator.model.tokenizer.decode(Array(wanted)), as: UTF8.self)
      #expect(result.text == text, "\(answer["prompt"]?.string ?? "")")
      (request.beams, request.temperature, request.seed) = (1, 1, 5)
      let texts = try await generator.texts(request, count: 3)
      for (number, found) in texts.enumerated() {
        request.seed = 5 + UInt64(number)
        #expect(try await generator.text(request).text == found.text)
      }
    }
  }

  @Test("what needs one sequence is refused: conversations, and models that read ahead")
  func refusals() throws {
    let generator = try LanguageGenerator(path: path, precision: .exact)
    let error = #expect(throws: RequestError.self) {
      _ = try LanguageConversation(generator, template: ("{{ messages }}", "x"))
    }
    #expect(error.map { "\($0)".contains("lantern write") } == true)
    #expect(throws: RequestError.self) { try LanguageGenerator(path: path, draft: path) }
  }
}
