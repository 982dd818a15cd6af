import Foundation
import Lantern
import LanternTensor
import TestSupport
import Testing

/// Tokens that are read ahead, with small random models: tools/fixtures/gguf_models.py and language_folders.py.
@Suite struct ReadAheadTests {
  private func request(_ temperature: Float, lookup: Int = 0) -> LanguageRequest {
    var request = LanguageRequest(prompt: "the fox and the key and the fox and the")
    (request.maximumTokens, request.seed, request.logProbabilities) = (24, 7, 3)
    (request.temperature, request.lookup) = (temperature, lookup)
    return request
  }

  /// Expects a request to have a text and probabilities, to the bit.
  private func expect(
    _ generator: LanguageGenerator, _ request: LanguageRequest,
    is plain: (result: LanguageResult, tokens: [LanguageToken]), _ comment: String
  ) throws -> LanguageResult {
    let ahead = try generator.written(request)
    #expect(ahead.tokens == plain.tokens && ahead.result.text == plain.result.text, "\(comment)")
    #expect(ahead.result.ending == plain.result.ending, "\(comment)")
    #expect(ahead.result.acceptedTokens <= ahead.result.proposedTokens, "\(comment)")
    return ahead.result
  }

  // Phi-3's positions turn otherwise once the text is longer than 12 tokens.
  @Test(
    "look-up changes no bit of a text, greedy or by chance",
    arguments: ["gguf_models/qwen2.gguf", "gguf_models/llama.gguf"]
      + ["mistral", "gemma3", "phi3"].map { "language_folders/\($0)" },
    [(Precision.exact, nil), (.fast, nil), (.fast, .int8)] as [(Precision, KVCacheType?)])
  func lookup(name: String, computing: (precision: Precision, cacheType: KVCacheType?)) throws {
    let generator = try LanguageGenerator(
      path: fixture(name), precision: computing.precision, cacheType: computing.cacheType)
    var proposed = 0
    for temperature in [0, 0.2, 1] as [Float] {
      let plain = try generator.written(request(temperature))
      #expect(plain.result.proposedTokens == 0)
      for count in [1, 3, 9] {
        let result = try expect(
          generator, request(temperature, lookup: count), is: plain, "\(temperature) \(count)")
        proposed += result.proposedTokens
      }
    }
    #expect(name.contains("phi3") || proposed > 0)
  }

  @Test("what look-up proposes comes where a text repeats itself, and is read at once")
  func acceptance() throws {
    let generator = try LanguageGenerator(path: fixture("gguf_models/qwen2.gguf"))
    var request = request(0, lookup: 8)
    // The same token again and again.
    request.logitBias = [70: 200]
    let result = try generator.written(request).result
    // Of 24 tokens the first follows from the prompt, and the second is the first that repeats.
    #expect(result.tokens == 24 && result.acceptedTokens >= 18, "\(result)")
  }

  @Test("a draft model changes no bit of a text, and the model itself as a draft is always right")
  func draft() throws {
    let path = fixture("gguf_models/qwen2.gguf")
    let plain = try LanguageGenerator(path: path)
    let itself = try LanguageGenerator(path: path, draft: path)
    let other = try LanguageGenerator(path: path, draft: fixture("gguf_models/qwen3.gguf"))
    for temperature in [0, 0.7] as [Float] {
      var request = request(temperature)
      for count in [1, 4, 7] {
        request.draftTokens = count
        let wanted = try plain.written(request)
        #expect(wanted.result.notes.contains { $0.contains("draft tokens") } == (count != 4))
        let result = try expect(itself, request, is: wanted, "itself \(temperature) \(count)")
        #expect(result.proposedTokens > 10 && result.acceptedTokens >= result.proposedTokens - 1)
        let less = try expect(other, request, is: wanted, "other \(temperature) \(count)")
        #expect(less.proposedTokens > less.acceptedTokens)
        request.lookup = 4
        _ = try expect(other, request, is: wanted, "both \(temperature) \(count)")
        request.lookup = 0
      }
    }
  }

  @Test("a draft of another vocabulary is refused by the first token that differs")
  func vocabulary() throws {
    let error = try #require(throws: RequestError.self) {
      try LanguageGenerator(
        path: fixture("gguf_models/qwen2.gguf"), draft: fixture("language_folders/llama"))
    }
    #expect("\(error)".contains("language_folders/llama: its token"), "\(error)")
  }

  @Test(
    "forms, penalties, mirostat, stop strings and least numbers of tokens hold as without reading ahead"
  )
  func settings() throws {
    let path = fixture("gguf_models/qwen2.gguf")
    let generator = try LanguageGenerator(path: path, draft: fixture("gguf_models/qwen3.gguf"))
    let plain = try LanguageGenerator(path: path)
    let cases: [(String, (inout LanguageRequest) -> Void)] = [
      ("regex", { $0.regex = "(fox|key)( [a-z]{2,5}){4}" }),
      (
        "schema", { $0.schema = #"{"type": "array", "items": {"type": "integer"}, "minItems": 3}"# }
      ),
      ("choices", { $0.choices = ["the fox and the key", "a fox"] }),
      ("penalty", { ($0.repetitionPenalty, $0.frequencyPenalty) = (1.3, 0.5) }),
      ("dry", { $0.dryMultiplier = 1 }),
      ("xtc", { ($0.xtcProbability, $0.xtcThreshold) = (0.5, 0.05) }),
      ("mirostat", { ($0.mirostat, $0.mirostatTarget) = (2, 3) }),
      ("minimum", { $0.minimumTokens = 20 }),
      ("few", { $0.maximumTokens = 3 }),
    ]
    for (name, change) in cases {
      for temperature in [0, 1] as [Float] {
        var request = request(temperature)
        change(&request)
        let wanted = try plain.written(request)
        request.lookup = 5
        _ = try expect(generator, request, is: wanted, "\(name) \(temperature)")
      }
    }
    var request = request(1)
    let whole = try plain.written(request).result.text
    request.stop = [String(whole.dropFirst(whole.count / 2).prefix(2))]
    let wanted = try plain.written(request)
    request.lookup = 5
    _ = try expect(generator, request, is: wanted, "stop")
  }

  @Test("a context that was read ahead of has prompt and text alone afterwards")
  func context() throws {
    let generator = try LanguageGenerator(path: fixture("gguf_models/qwen2.gguf"))
    var request = request(0, lookup: 6)
    request.logitBias = [70: 200]
    let prompt = Array(30..<45)
    var context = try generator.makeContext()
    let first = try generator.write(request, behind: prompt, in: &context) { _ in }
    #expect(context.tokens == prompt + Array(repeating: 70, count: first.tokens - 1))
  }
}
