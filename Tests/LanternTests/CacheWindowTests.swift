import Lantern
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// Keys and values that windows pass, of small random models with windows of 5 and 4 tokens.
@Suite struct CacheWindowTests {
  /// Tokens by rule.
  private func ids(_ count: Int) -> [Int] { (0..<count).map { ($0 * $0 + $0 / 3) % 50 + 3 } }

  /// The states of tokens that are read in blocks, and then one by one.
  private func states(
    _ network: any CausalLanguageModel, _ ids: [Int], blocks: Int, _ cache: inout KVCache
  ) throws -> [[Float]] {
    var states = [try network.read(Array(ids[..<blocks]), after: [], into: &cache).floats()]
    for index in blocks..<ids.count {
      states.append(
        try network.read([ids[index]], after: Array(ids[..<index]), into: &cache).floats())
    }
    return states
  }

  @Test(
    "dropping what no token attends to any more changes no bit, and keeps memory flat",
    arguments: ["mistral", "gemma3"],
    [(Precision.exact, KVCacheType.f32), (.fast, .f16), (.fast, .int8)])
  func bits(name: String, computing: (precision: Precision, type: KVCacheType)) throws {
    try withTemporaryFolder { folder in
      let network = try LanguageModel(
        longContextModel(name, in: folder), precision: computing.precision
      ).network
      let ids = ids(1900)
      var cache = try network.makeCache(capacity: 1, as: computing.type)
      var whole = try network.makeCache(capacity: 1, as: computing.type)
      whole.keepsAll = true
      let wanted = try states(network, ids, blocks: 1700, &whole)
      #expect(try states(network, ids, blocks: 1700, &cache) == wanted)
      #expect(whole.isWhole && !cache.isWhole)
      let largest = network.sizes.cacheShape.byteCount(2048, computing.type)
      #expect(cache.byteCount <= largest && whole.byteCount > cache.byteCount)
      // The last 512 tokens may always be read again.
      #expect(cache.remaining(1900 - 512) == 1900 - 512)
      cache.forget(beyond: 1700)
      #expect(cache.count == 1700)
      var again: [[Float]] = []
      for index in cache.count..<1900 {
        again.append(
          try network.read([ids[index]], after: Array(ids[..<index]), into: &cache).floats())
      }
      #expect(again == Array(wanted.suffix(200)))
      // What was dropped cannot be gone back to: all is forgotten.
      #expect(cache.remaining(300) == 0)
      cache.forget(beyond: 300)
      #expect(cache.count == 0 && cache.isWhole)
      #expect(try states(network, ids, blocks: 1700, &cache) == wanted)
    }
  }

  @Test(
    "texts longer than windows are those that are written alone, with others or from a prompt cache"
  )
  func texts() throws {
    try withTemporaryFolder { folder in
      for name in ["mistral", "gemma3"] {
        let generator = try LanguageGenerator(path: longContextModel(name, in: folder))
        var requests: [LanguageRequest] = []
        for (number, letters) in [1400, 20, 1000].enumerated() {
          var request = LanguageRequest(prompt: String(repeating: "#", count: letters))
          (request.maximumTokens, request.minimumTokens) = (number == 1 ? 1500 : 300, 300)
          (request.seed, request.temperature, request.topP) = (UInt64(number), 1.5, 1)
          requests.append(request)
        }
        let alone = try requests.map { try generator.written($0).result.text }
        var texts: [Int: String] = [:]
        try generator.write(requests, parallel: 2) { number, event in
          if case .finished(let result) = event { texts[number] = result.text }
        }
        #expect(requests.indices.map { texts[$0] } == alone, "\(name)")
        requests[0].promptCache = folder + "/\(name).safetensors"
        let first = try generator.written(requests[0]).result
        let second = try generator.written(requests[0]).result
        #expect(first.text == alone[0] && second.text == alone[0])
        #expect(second.cachedTokens == 1280, "\(second.notes)")
        let several = try generator.write(requests[2], count: 2) { _, _ in }
        #expect(several[0].text == alone[2])
      }
    }
  }
}
