import Lantern
import LanternTensor
import TestSupport
import Testing

/// Texts behind prompts of their own, written at once, with small random models.
@Suite struct LanguageBatchTests {
  /// Requests of several lengths: some begin alike over 300 tokens, two are one whole block, and all end at different
  /// times.
  private func requests(_ generator: LanguageGenerator) throws -> [LanguageRequest] {
    let end = try #require(generator.model.ends.first)
    let long = String(repeating: "#", count: 300)
    let others = generator.model.ids(of: long).count - 300
    let block = String(repeating: "#", count: 256 - others)
    let prompts = [
      "the fox", long + " and a key", "a", long + "the fox", "and a key the fox", "the fox", long,
      block, "a", block,
    ]
    return prompts.enumerated().map { index, prompt in
      var request = LanguageRequest(prompt: prompt)
      (request.maximumTokens, request.seed) = (4 + 5 * index % 7, UInt64(index))
      (request.temperature, request.topP, request.logProbabilities) = (1.5, 1, 3)
      request.logitBias = [end: 3]
      return request
    }
  }

  // In blocks of GGUF; with windows, of all layers and of some; with positions that turn by how long a text is.
  @Test(
    "texts behind prompts of their own are those that are written alone, to the bit, in any number of slots",
    arguments: ["qwen2.gguf", "mistral", "gemma3", "phi3"],
    [(Precision.exact, nil), (.fast, nil), (.fast, .int8)] as [(Precision, KVCacheType?)])
  func bits(name: String, computing: (precision: Precision, cacheType: KVCacheType?)) throws {
    try withTemporaryFolder { folder in
      let generator = try LanguageGenerator(
        path: longContextModel(name, in: folder), precision: computing.precision,
        cacheType: computing.cacheType)
      let requests = try requests(generator)
      let alone = try requests.map { try generator.written($0) }
      for parallel in [1, 3, 8] {
        var tokens = [[LanguageToken]](repeating: [], count: requests.count)
        var results: [Int: LanguageResult] = [:]
        try generator.write(requests, parallel: parallel) { number, event in
          if case .token(let token) = event { tokens[number].append(token) }
          if case .finished(let result) = event { results[number] = result }
        }
        for (number, wanted) in alone.enumerated() {
          #expect(tokens[number] == wanted.tokens, "\(number) of \(parallel)")
          #expect(results[number]?.text == wanted.result.text)
          #expect(results[number]?.ending == wanted.result.ending)
        }
        #expect(Set(alone.map(\.tokens.count)).count > 2)
      }
    }
  }

  @Test(
    "what prompts begin with alike is read once, from a slot that is free or from one that is not")
  func sharedBlocks() async throws {
    try await withTemporaryFolder { folder in
      let generator = try LanguageGenerator(path: longContextModel("qwen2.gguf", in: folder))
      let requests = try requests(generator)
      for parallel in [1, 7] {
        var cached: [Int: Int] = [:]
        try generator.write(requests, parallel: parallel) { number, event in
          if case .finished(let result) = event { cached[number] = result.cachedTokens }
        }
        // With one slot the text between is read over what it had.
        #expect([0, 256].contains(cached[3]) && cached[1] == 0 && cached[0] == 0)
        if parallel == 7 { #expect(cached[3] == 256 && cached[6] == 256) }
        #expect(cached[7] == 0 && cached[9] == 0)
      }
      let results = try await generator.texts(requests, parallel: 2)
      #expect(
        results.map(\.promptTokens) == requests.map { generator.model.ids(of: $0.prompt).count })
    }
  }

  @Test(
    "what has no effect is told, beams are written one after another, and what is wrong is said first"
  )
  func settings() async throws {
    let generator = try LanguageGenerator(path: fixture("gguf_models/qwen2.gguf"))
    var requests = ["the fox", "a key"].map { LanguageRequest(prompt: $0) }
    for index in requests.indices { requests[index].maximumTokens = 5 }
    requests[1].promptCache = "/none/prompt.safetensors"
    requests[1].lookup = 4
    let notes = try await generator.texts(requests)[1].notes
    #expect(notes.contains { $0.contains("prompt cache without effect") })
    #expect(notes.contains { $0.contains("lookup without effect") })
    (requests[1].promptCache, requests[1].lookup, requests[1].beams) = (nil, 0, 2)
    #expect(
      try await generator.texts(requests)[1].text == generator.text(requests[1]).text)
    requests[1].prompt = String(repeating: "a key ", count: 200)
    var isBegun = false
    #expect(throws: RequestError.self) {
      try generator.write(requests) { _, _ in isBegun = true }
    }
    #expect(!isBegun)
    for count in [0, 257] {
      #expect(throws: RequestError.self) {
        try generator.write([requests[0]], parallel: count) { _, _ in }
      }
    }
    #expect(try await generator.texts([] as [LanguageRequest]).isEmpty)
  }
}
