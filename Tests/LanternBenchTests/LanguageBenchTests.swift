import Foundation
import Lantern
import LanternBench
import LanternFormats
import LanternModels
import LanternTensor
import TestSupport
import Testing

@Suite struct LanguageBenchTests {
  private func generator() throws -> LanguageGenerator {
    try LanguageGenerator(path: fixture("gguf_models/qwen2.gguf"))
  }

  @Test("every run is timed, and speeds are those of the median run")
  func speeds() throws {
    var count = 0
    let bench = try LanguageBench(generator(), promptTokens: 20, newTokens: 5, runs: 3) {
      count += 1
    }
    #expect(bench.runs.count == 3 && count == 4 * 6 && bench.peakBytes > 1 << 20)
    let prefill = bench.runs.map(\.prefill).sorted()[1],
      decode = bench.runs.map(\.decode).sorted()[1]
    #expect(abs(bench.prefillTokensPerSecond - 20 / prefill) < 1e-6 * 20 / prefill)
    #expect(abs(bench.decodeTokensPerSecond - 5 / decode) < 1e-6 * 5 / decode)
    #expect(throws: RequestError.self) {
      try LanguageBench(generator(), promptTokens: 60, newTokens: 5, runs: 1) {}
    }
  }

  @Test("perplexity is that of the second half of each window's tokens")
  func perplexity() throws {
    let generator = try generator()
    let text = String(repeating: "The quick brown fox jumps over 13 lazy dogs. ", count: 4)
    let ids = generator.model.ids(of: text)
    var (sum, count) = (0.0, 0)
    for start in stride(from: 0, through: ids.count - 16, by: 16) {
      var part = Array(ids[start..<start + 16])
      if let first = generator.model.beginning.first { part[0] = first }
      var cache = try generator.model.makeCache(capacity: 16)
      let hidden = try generator.model.network.read(part, into: &cache)
      let logits = try generator.model.network.logits(hidden)
      let (floats, width) = (try logits.floats(), logits.shape[2])
      for position in 8..<15 {
        let row = floats[position * width..<(position + 1) * width]
        let total = log(row.reduce(0.0) { $0 + exp(Double($1)) })
        sum += total - Double(row[row.startIndex + part[position + 1]])
        count += 1
      }
    }
    var windows = 0
    let found = try Perplexity(of: text, generator, window: 16) { windows = $1 - $0 }
    #expect(found.countedTokens == count && count > 20 && found.tokens == ids.count && windows == 0)
    #expect(abs(found.value / exp(sum / Double(count)) - 1) < 1e-5)
    #expect(throws: RequestError.self) { try Perplexity(of: "a", generator) { _, _ in } }
  }
}
