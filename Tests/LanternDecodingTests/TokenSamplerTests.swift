import Foundation
import LanternDecoding
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// The fixture holds what transformers' logits processors make of random scores:
/// tools/fixtures/text_sampler.py.
@Suite struct TokenSamplerTests {
  @Test("probabilities after penalty, temperature, top-k, top-p and min-p equal transformers'")
  func parity() throws {
    let file = try SafetensorsFile(fixture("text_sampler.safetensors"))
    let text = Array(try #require(file.metadata["cases"]).utf8)
    let cases = try text.withUnsafeBytes { try JSON.parse($0, file: "cases") }.array ?? []
    let scores = try #require(try file.tensor("scores"))
    let wanted = try #require(try file.tensor("out"))
    let past = try #require(try file.tensor("past")).integers().map(Int.init)
    #expect(cases.count == scores.shape[0] && cases.count > 10)
    for (row, value) in cases.enumerated() {
      let settings = try #require(value.object)
      func number(_ key: String, _ defaultValue: Float) -> Float {
        settings[key]?.double.map { Float($0) } ?? defaultValue
      }
      var sampler = TextSampler()
      sampler.temperature = number("temperature", 1)
      sampler.topK = settings["topK"]?.integer ?? 0
      sampler.topP = number("topP", 1)
      sampler.minP = number("minP", 0)
      sampler.repetitionPenalty = number("repetitionPenalty", 1)
      expectEqual(
        sampler.probabilities(try scores.sliced(axis: 0, row..<row + 1).floats(), past: past),
        try wanted.sliced(axis: 0, row..<row + 1).floats(), relative: 1e-5, "\(settings)")
    }
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
