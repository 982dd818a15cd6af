import LanternPlatform
package import Lantern
import LanternLayers
import LanternModels
import LanternTensor

/// How fast a language model reads and writes tokens, and how well it predicts a text.
package struct LanguageBench: Sendable {
  /// The times of a run.
  package struct Run: Sendable {
    /// Seconds of reading the prompt at once, and of reading token after token behind it.
    package let prefill: Double, decode: Double
  }

  /// Tokens of the prompt, and of what follows, of each sequence.
  package let promptTokens: Int, newTokens: Int
  /// Sequences that go on from the prompt, or each from a prompt of its own.
  package let sequences: Int
  package let hasOwnPrompts: Bool
  /// The runs, without a first one that is not counted.
  package let runs: [Run]
  /// Bytes of the process's memory, at most.
  package let peakBytes: Int

  /// Tokens a second of the prompt, by the median run.
  package var prefillTokensPerSecond: Double {
    Double(promptTokens * (hasOwnPrompts ? sequences : 1)) / Self.median(runs.map(\.prefill))
  }
  /// Tokens a second behind the prompt, of all sequences together, by the median run.
  package var decodeTokensPerSecond: Double {
    Double(newTokens * sequences) / Self.median(runs.map(\.decode))
  }

  /// Measures. Tokens are random ones, as no time depends on them; logits are computed behind the prompt and behind
  /// each token.
  ///
  /// - Parameters:
  ///   - generator: the model.
  ///   - promptTokens: tokens that are read at once, one at least.
  ///   - newTokens: tokens that are read one by one, one at least.
  ///   - sequences: how many go on from the prompt, one token of each at a time.
  ///   - hasOwnPrompts: whether each has a prompt of its own, of so many tokens.
  ///   - runs: how often; once more is not counted.
  ///   - onToken: called after the prompt and each token; throw to stop.
  /// - Throws: `RequestError` for more tokens than the model's context, what reading throws, and `onToken`.
  package init(
    _ generator: LanguageGenerator, promptTokens: Int, newTokens: Int, sequences: Int = 1,
    hasOwnPrompts: Bool = false, runs: Int, onToken: () throws -> Void
  ) throws {
    let total = promptTokens + newTokens
    guard total <= generator.contextLength else {
      throw RequestError.longText(tokens: total, maximum: generator.contextLength)
    }
    let ids = TokenNoise(seed: 1).uniforms(total).map {
      Int($0 * Float(generator.model.tokenizer.count))
    }
    let (prompt, new) = (Array(ids[..<promptTokens]), Array(ids[promptTokens...]))
    var all: [Run] = []
    for _ in 0...runs {
      var reading = try BenchReading(generator.model, capacity: hasOwnPrompts ? 1 : total)
      var prefill = 0.0
      if hasOwnPrompts {
        try reading.cache.branch(sequences, capacity: total)
        for number in 0..<sequences {
          reading.cache.fill(number, behind: 0)
          prefill += try reading.read(prompt, after: [], scored: 1)
          try onToken()
        }
      } else {
        prefill = try reading.read(prompt, after: [], scored: 1)
        try onToken()
        if sequences > 1 { try reading.cache.branch(sequences, capacity: newTokens) }
      }
      let isAlone = sequences == 1 && !hasOwnPrompts
      if !isAlone { reading.cache.select(Array(0..<sequences)) }
      let decode = try new.indices.reduce(0.0) { seconds, index in
        let past = isAlone ? prompt + new[..<index] : nil
        let time = try reading.read(
          Array(repeating: new[index], count: sequences), after: past, scored: sequences)
        try onToken()
        return seconds + time
      }
      all.append(Run(prefill: prefill, decode: decode))
    }
    (self.promptTokens, self.newTokens, self.sequences) = (promptTokens, newTokens, sequences)
    self.hasOwnPrompts = hasOwnPrompts
    self.runs = Array(all.dropFirst())
    peakBytes = ResidentMemory.peak
  }

  private static func median(_ seconds: [Double]) -> Double { seconds.sorted()[seconds.count / 2] }
}

/// Tokens that are read, and timed.
private struct BenchReading: ~Copyable {
  private let network: any CausalLanguageModel
  var cache: KVCache

  init(_ model: LanguageModel, capacity: Int) throws {
    network = model.network
    cache = try model.makeCache(capacity: capacity)
  }

  /// Reads tokens behind those of one text, or, where `past` is nil, one of each sequence that is selected.
  ///
  /// - Returns: the seconds, with those that logits of the last `scored` took.
  mutating func read(_ ids: [Int], after past: [Int]?, scored: Int) throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    let hidden =
      if let past { try network.read(ids, after: past, into: &cache) } else {
        try network.read(ids, into: &cache)
      }
    let last = try hidden.sliced(axis: 1, ids.count - scored..<ids.count).contiguous()
    _ = try network.logits(last)
    return start.duration(to: clock.now).seconds
  }
}

/// The perplexity of a text: e to the mean of its tokens' negative log-probabilities.
///
/// Measured as llama.cpp measures it: the text is cut into windows, which are read one by one, and the tokens of each
/// window's second half count; a rest that fills no window is left out.
package struct Perplexity: Sendable {
  /// The perplexity.
  package let value: Double
  /// Tokens that were counted, and those of the whole text.
  package let countedTokens: Int, tokens: Int

  /// Measures.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - generator: the model.
  ///   - window: tokens of a window; no more than the model's context.
  ///   - onWindow: called for each window: its number, of how many; throw to stop.
  /// - Throws: `RequestError` for a text of less than a window, what reading throws, and `onWindow`.
  package init(
    of text: String, _ generator: LanguageGenerator, window: Int = 512,
    onWindow: (Int, Int) throws -> Void
  ) throws {
    let model = generator.model
    let ids = model.ids(of: text)
    let window = min(window, generator.contextLength)
    let count = ids.count / window
    guard count > 0 else {
      throw RequestError.range(
        name: "a text of", found: "\(ids.count) tokens",
        allowed: "one that fills a window of \(window) at least")
    }
    var (sum, counted) = (0.0, 0)
    for number in 0..<count {
      var part = Array(ids[number * window..<(number + 1) * window])
      if let first = model.beginning.first { part[0] = first }
      var cache = try model.makeCache(capacity: window)
      let hidden = try model.network.read(part, into: &cache)
      for position in window / 2..<window - 1 {
        let row = try hidden.sliced(axis: 1, position..<position + 1).contiguous()
        let scores = try model.network.logits(row).floats()
        sum -= Double(LogProbabilities(scores)[part[position + 1]])
        counted += 1
      }
      try onWindow(number + 1, count)
    }
    (value, countedTokens, tokens) = (exp(sum / Double(max(1, counted))), counted, ids.count)
  }
}
