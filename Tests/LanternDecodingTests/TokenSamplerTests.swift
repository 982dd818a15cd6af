import Foundation
import LanternDecoding
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// The fixture holds what transformers' logits processors make of random scores:
/// tools/fixtures/text_sampler.py.
@Suite struct TokenSamplerTests {
  @Test(
    "probabilities after bias, penalty, temperature, top-k, top-p, min-p and typical-p equal transformers'"
  )
  func parity() throws {
    let file = try SafetensorsFile(fixture("text_sampler.safetensors"))
    let cases = try LlamaSamplerTests.objects(file, "cases")
    let scores = try #require(try file.tensor("scores"))
    let wanted = try #require(try file.tensor("out"))
    let past = try #require(try file.tensor("past")).integers().map(Int.init)
    #expect(cases.count == scores.shape[0] && cases.count > 20)
    for (row, settings) in cases.enumerated() {
      let sampler = try LlamaSamplerTests.sampler(settings)
      let found = sampler.probabilities(
        try scores.sliced(axis: 0, row..<row + 1).floats(), past: past)
      let expected = try wanted.sliced(axis: 0, row..<row + 1).floats()
      #expect(found.map { $0 > 0 } == expected.map { $0 > 0 }, "\(settings)")
      for (one, other) in zip(found, expected) { #expect(abs(one - other) < 1e-6, "\(settings)") }
    }
  }

  @Test("of many tokens the likeliest are found without sorting all")
  func large() {
    let noise = TokenNoise(seed: 4)
    let scores = noise.uniforms(30_000).map { 12 * $0 * $0 - 8 }
    let sorted = scores.sorted(by: >)
    var sampler = TextSampler()
    sampler.topK = 50
    let kept = sampler.probabilities(scores).enumerated().filter { $0.element > 0 }.map(\.offset)
    #expect(Set(kept) == Set(scores.indices.filter { scores[$0] >= sorted[49] }))
    sampler.topK = 0
    sampler.topP = 0.4
    let nucleus = sampler.probabilities(scores)
    let whole = TextSampler().probabilities(scores)
    let inside = whole.indices.filter { nucleus[$0] > 0 }
    let sum = inside.reduce(0.0) { $0 + Double(whole[$1]) }
    let least = inside.map { Double(whole[$0]) }.min() ?? 0
    #expect(sum >= 0.4 && sum - least < 0.4 && inside.count > 100)
    #expect(whole.indices.allSatisfy { nucleus[$0] > 0 || Double(whole[$0]) <= least })
  }

  @Test("no temperature takes the likeliest token, and −∞ is never taken")
  func extremes() {
    var sampler = TextSampler()
    #expect(
      (0..<100).allSatisfy {
        sampler.choose([-.infinity, 1, -.infinity], uniform: Float($0) / 100) == 1
      })
    sampler.temperature = 0
    #expect((0..<100).allSatisfy { sampler.choose([0, 5, 4.9], uniform: Float($0) / 100) == 1 })
  }

  @Test("tokens are taken as often as they are likely")
  func frequencies() {
    let noise = TokenNoise(seed: 9)
    var counts = [0, 0, 0]
    for index in 0..<30_000 {
      counts[TextSampler().choose([log(1), log(2), log(7)], uniform: noise.uniform(index))] += 1
    }
    for (count, share) in zip(counts, [0.1, 0.2, 0.7]) {
      #expect(abs(Double(count) / 30_000 - share) < 0.01)
    }
  }

  @Test("token noise depends on seed, part and place, and on nothing else")
  func noise() {
    let noise = TokenNoise(seed: 1)
    #expect(noise[3][4].uniforms(10) == TokenNoise(seed: 1)[3][4].uniforms(10))
    #expect(noise[3][4].uniform(7) == noise[3][4].uniforms(10)[7])
    let others = [TokenNoise(seed: 2)[3][4], noise[4][3], noise[3][5], noise[2][4]]
    for other in others { #expect(other.uniforms(4) != noise[3][4].uniforms(4)) }
    let many = noise.uniforms(20_000)
    #expect(many.allSatisfy { $0 >= 0 && $0 < 1 })
    let mean = many.reduce(0, +) / 20_000
    #expect(abs(mean - 0.5) < 0.01)
  }

  @Test("a mask schedule begins at all, ends at none, and never rises")
  func schedules() throws {
    for name in ["cosine", "linear", "pow2", "pow0.5", "sigmoid"] {
      let schedule = try #require(MaskSchedule(named: name))
      let shares = (0...50).map { schedule.masked(Float($0) / 50) }
      #expect(abs(shares[0] - 1) < 1e-5 && abs(shares[50]) < 1e-5, "\(name)")
      #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 >= $1 }, "\(name)")
    }
    for name in ["", "pow", "pow-1", "pownan", "cos"] { #expect(MaskSchedule(named: name) == nil) }
  }

  @Test("known codes stay, and every step settles at least one more")
  func filling() throws {
    var start = [Int?](repeating: nil, count: 9)
    start[4] = 2
    var left = 8
    let decoder = MaskedImageDecoder(steps: 20, guidance: 0)
    let noise = TokenNoise(seed: 3)
    let drawn = try decoder.fill(start) { codes, masked in
      #expect(masked == codes.indices.filter { codes[$0] == nil })
      return (try Tensor(repeating: 0, shape: [masked.count, 5]), nil)
    } uniforms: {
      noise[$0].uniforms(9)
    } onStep: { step in
      let unknown = step.kept.count { $0 == nil }
      #expect(unknown < left || left <= 1, "step \(step.index)")
      #expect(step.kept[4] == 2)
      left = unknown
    }
    #expect(drawn[4] == 2 && drawn.allSatisfy { (0..<5).contains($0) })
  }
}
