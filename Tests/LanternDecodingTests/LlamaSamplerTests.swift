import LanternDecoding
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// The fixture holds what llama.cpp's samplers leave of random scores: tools/fixtures/llama_samplers.py.
@Suite struct LlamaSamplerTests {
  static func objects(_ file: SafetensorsFile, _ key: String) throws -> [[String: JSONValue]] {
    let text = try #require(file.metadata[key])
    return try #require(try JSON.parse(text: text, file: key).array).map { try #require($0.object) }
  }

  /// The sampler of settings, which bear the names of its fields.
  static func sampler(_ settings: [String: JSONValue]) throws -> TextSampler {
    var sampler = TextSampler()
    for (name, value) in settings {
      let number = value.double.map { Float($0) } ?? 0
      switch name {
      case "temperature": sampler.temperature = number
      case "topK": sampler.topK = Int(number)
      case "topP": sampler.topP = number
      case "minP": sampler.minP = number
      case "typicalP": sampler.typicalP = number
      case "repetitionPenalty": sampler.repetitionPenalty = number
      case "frequencyPenalty": sampler.frequencyPenalty = number
      case "presencePenalty": sampler.presencePenalty = number
      case "repetitionWindow": sampler.repetitionWindow = Int(number)
      case "xtcProbability": sampler.xtcProbability = number
      case "xtcThreshold": sampler.xtcThreshold = number
      case "dryMultiplier": sampler.dryMultiplier = number
      case "dryBase": sampler.dryBase = number
      case "dryAllowedLength": sampler.dryAllowedLength = Int(number)
      case "dryWindow": sampler.dryWindow = Int(number)
      case "breakers":
        let rows = (value.array ?? []).map { ($0.array ?? []).compactMap(\.integer) }
        sampler.dryBreakers = SequenceBreakers(rows)
      case "logitBias":
        for (id, bias) in value.object ?? [:] {
          sampler.logitBias[try #require(Int(id))] = Float(try #require(bias.double))
        }
      case "steps":
        let names = (value.array ?? []).compactMap(\.string).joined(separator: ";")
        sampler.steps = try #require(SamplerStep.steps(names))
      default: Issue.record("\(name) is no setting")
      }
    }
    return sampler
  }

  @Test("what each sampler leaves, and all in llama.cpp's order or another, equals llama.cpp's")
  func parity() throws {
    let file = try SafetensorsFile(fixture("llama_samplers.safetensors"))
    let scores = try #require(try file.tensor("scores"))
    let wanted = try #require(try file.tensor("out"))
    let past = try #require(try file.tensor("past")).integers().map(Int.init)
    let cases = try Self.objects(file, "cases")
    #expect(cases.count == scores.shape[0] && cases.count > 25)
    for (row, settings) in cases.enumerated() {
      let found = try Self.sampler(settings).probabilities(
        try scores.sliced(axis: 0, row..<row + 1).floats(), past: past)
      let expected = try wanted.sliced(axis: 0, row..<row + 1).floats()
      #expect(found.map { $0 > 0 } == expected.map { $0 > 0 }, "\(settings)")
      for (one, other) in zip(found, expected) { #expect(abs(one - other) < 1e-6, "\(settings)") }
    }
  }

  @Test(
    "what Mirostat leaves at each step, after the tokens that llama.cpp chose, equals llama.cpp's")
  func mirostat() throws {
    let file = try SafetensorsFile(fixture("llama_samplers.safetensors"))
    for (number, settings) in try Self.objects(file, "mirostat").enumerated() {
      var mirostat = Mirostat(
        version: try #require(settings["mirostat"]?.integer),
        target: Float(try #require(settings["mirostatTarget"]?.double)),
        rate: Float(try #require(settings["mirostatRate"]?.double)))
      let scores = try #require(try file.tensor("mirostat_\(number)_scores"))
      let wanted = try #require(try file.tensor("mirostat_\(number)_out"))
      let chosen = try #require(try file.tensor("mirostat_\(number)_chosen")).integers()
      for (step, token) in chosen.enumerated() {
        var candidates = Candidates(try scores.sliced(axis: 0, step..<step + 1).floats())
        mirostat.filter(&candidates, vocabulary: scores.shape[1])
        let expected = try wanted.sliced(axis: 0, step..<step + 1).floats()
        #expect(
          candidates.ids == expected.indices.filter { expected[$0] > 0 }, "\(settings) \(step)")
        let probabilities = candidates.probabilities
        for (id, share) in zip(candidates.ids, probabilities) {
          #expect(abs(share - expected[id]) < 1e-6, "\(settings) \(step)")
        }
        let place = try #require(candidates.ids.firstIndex(of: Int(token)))
        mirostat.accept(probability: probabilities[place])
      }
    }
  }

  @Test("Mirostat leaves a token of whatever scores, and its limit moves with what was chosen")
  func extremes() {
    for version in [1, 2] {
      for scores: [Float] in [
        [1], [0, 0, 0], [5, -.infinity], [200, -200, 0], [Float](repeating: 1, count: 500),
      ] {
        var mirostat = Mirostat(version: version, target: 0.1, rate: 1)
        for _ in 0..<20 {
          var candidates = Candidates(scores)
          mirostat.filter(&candidates, vocabulary: scores.count)
          #expect(!candidates.ids.isEmpty)
          mirostat.accept(probability: candidates.probabilities[0])
        }
      }
    }
    var sampler = TextSampler()
    sampler.mirostat = 2
    sampler.mirostatTarget = 7
    var sampling = TextSampling(sampler, seed: 3)
    let scores = TokenNoise(seed: 8).uniforms(200)
    let ids = (0..<50).compactMap { sampling.next(scores, past: [], index: $0) }
    #expect(ids.count == 50 && Set(ids).count > 1)
  }

  @Test("an order is a name or the steps' names, each once")
  func orders() {
    #expect(SamplerStep.steps("transformers") == SamplerStep.all)
    #expect(SamplerStep.steps("llama.cpp") == SamplerStep.llamaCpp)
    #expect(Set(SamplerStep.all.map(\.name)) == Set(SamplerStep.llamaCpp.map(\.name)))
    #expect(SamplerStep.steps("top_k;temperature")?.map(\.name) == ["top_k", "temperature"])
    for name in ["", "top_k;", "top_k;top_k", "topk", "top_k,temperature"] {
      #expect(SamplerStep.steps(name) == nil, "\(name)")
    }
  }

  @Test("a mask keeps every other token away, and where nothing is left there is no token")
  func masks() {
    var mask = TokenMask(count: 130)
    #expect(TextSampling(TextSampler(), seed: 1).nextOf([0, 1], mask) == nil)
    mask.insert(129)
    mask.insert(-1)
    mask.insert(130)
    let scores = (0..<130).map { Float(200 - $0) }
    #expect(TextSampling(TextSampler(), seed: 1).nextOf(scores, mask) == 129)
    var all = TokenMask(count: 130, isFull: true)
    all.remove(0)
    #expect(!all.contains(0) && all.contains(129) && !all.contains(130))
    mask.formUnion(all)
    #expect(mask == all)
    #expect(TextSampling(TextSampler(), seed: 1).nextOf([.nan, -.infinity], nil) == nil)
  }
}

extension TextSampling {
  fileprivate func nextOf(_ scores: [Float], _ mask: TokenMask?) -> Int? {
    var sampling = self
    return sampling.next(scores, past: [], allowed: mask, index: 0)
  }
}
