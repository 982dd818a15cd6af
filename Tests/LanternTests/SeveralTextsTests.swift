import Foundation
import Lantern
import LanternTensor
import TestSupport
import Testing

/// Several texts behind one prompt, with small random models.
@Suite struct SeveralTextsTests {
  /// A text of its seed alone, with the bits of the likeliest tokens' probabilities.
  private func alone(_ generator: LanguageGenerator, _ request: LanguageRequest, _ number: Int)
    throws -> (result: LanguageResult, tokens: [LanguageToken])
  {
    var request = request
    request.seed &+= UInt64(number)
    return try generator.written(request)
  }

  /// Expects texts that are written at once to be those that are written one by one, to the bit.
  private func expectAlike(_ generator: LanguageGenerator, _ request: LanguageRequest, _ count: Int)
    throws -> [LanguageResult]
  {
    var tokens = [[LanguageToken]](repeating: [], count: count)
    let results = try generator.write(request, count: count) { number, event in
      if case .token(let token) = event { tokens[number].append(token) }
    }
    for number in 0..<count {
      let wanted = try alone(generator, request, number)
      #expect(tokens[number] == wanted.tokens, "\(number)")
      #expect(results[number].text == wanted.result.text, "\(number)")
      #expect(results[number].ending == wanted.result.ending, "\(number)")
    }
    return results
  }

  // In blocks of GGUF; with windows, of all layers and of some; with positions that turn by how long a text is; with
  // experts that each token chooses.
  @Test(
    "texts that are written at once are those that are written alone, to the bit, however long each is",
    arguments: ["qwen2.gguf", "mistral", "gemma3", "phi3", "qwen2_moe"],
    [(Precision.exact, nil), (.fast, nil), (.fast, .int8)] as [(Precision, KVCacheType?)])
  func bits(name: String, computing: (precision: Precision, cacheType: KVCacheType?)) throws {
    try withTemporaryFolder { folder in
      let generator = try LanguageGenerator(
        path: longContextModel(name, in: folder), precision: computing.precision,
        cacheType: computing.cacheType)
      let end = try #require(generator.model.ends.first)
      for words in [3, 70] {
        let prompt = (0..<words).map { ["the fox", "and", "a key"][$0 * $0 % 3] }
        var request = LanguageRequest(prompt: prompt.joined(separator: " "))
        (request.maximumTokens, request.seed, request.logProbabilities) = (14, 7, 3)
        (request.temperature, request.topP, request.logitBias) = (
          1.5, 1, [end: name.hasSuffix(".gguf") ? 5 : 3]
        )
        let results = try expectAlike(generator, request, 5)
        #expect(Set(results.map(\.tokens)).count > 1, "\(results.map(\.tokens))")
        #expect(Set(results.map(\.text)).count > 1)
      }
    }
  }

  @Test("own keys behind shared ones are read over the border of the kernels' blocks of 256")
  func longPrompts() throws {
    try withTemporaryFolder { folder in
      let generator = try LanguageGenerator(path: longContextModel("mistral", in: folder))
      let gguf = try LanguageGenerator(path: longContextModel("llama.gguf", in: folder))
      let int8 = try LanguageGenerator(
        path: longContextModel("llama.gguf", in: folder), cacheType: .int8)
      for (generator, letters) in [(generator, 250), (gguf, 250), (int8, 250)] {
        var request = LanguageRequest(prompt: String(repeating: "#", count: letters))
        (request.maximumTokens, request.seed, request.logProbabilities) = (20, 3, 3)
        request.minimumTokens = 20
        let results = try expectAlike(generator, request, 3)
        #expect(
          results.allSatisfy { $0.promptTokens + $0.tokens > 256 }, "\(results[0].promptTokens)")
      }
    }
  }

  @Test(
    "forms and a prompt cache hold for each of several texts, and what proposes tokens is told to be idle"
  )
  func settings() async throws {
    try await withTemporaryFolder { folder in
      let generator = try LanguageGenerator(path: longContextModel("qwen2.gguf", in: folder))
      var request = LanguageRequest(prompt: String(repeating: "the fox and the key ", count: 60))
      (request.maximumTokens, request.seed) = (20, 7)
      request.regex = "(fox|key)( [a-z]{2,5}){2}"
      let plain = try await generator.texts(request, count: 3)
      request.promptCache = folder + "/prompt.safetensors"
      #expect(try await generator.texts(request, count: 3).map(\.text) == plain.map(\.text))
      request.lookup = 3
      let cached = try await generator.texts(request, count: 3)
      #expect(cached.map(\.text) == plain.map(\.text) && cached[0].cachedTokens >= 256)
      #expect(cached[0].notes.contains { $0.contains("lookup without effect") })
      for count in [0, 257] {
        await #expect(throws: RequestError.self) {
          try await generator.texts(request, count: count)
        }
      }
    }
  }
}
