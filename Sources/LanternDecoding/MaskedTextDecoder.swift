import LanternPlatform
package import LanternTensor

/// Fills in masked tokens over several steps, the surest first, block by block: LLaDA's and Dream's `generate` (Nie et
/// al. 2025, arXiv:2502.09992; Ye et al. 2025, arXiv:2508.15487), and with a threshold Fast-dLLM's (Wu et al. 2025,
/// arXiv:2505.22618).
package struct MaskedTextDecoder: Sendable {
  /// Which tokens are filled in first.
  package enum Order: String, Sendable, CaseIterable {
    /// Those of the highest probability.
    case confidence = "low_confidence"
    /// Those whose probability is farthest from the second.
    case margin
    /// Those whose distribution has the lowest entropy.
    case entropy
    case random
  }

  /// How many tokens a step fills in.
  package enum Pace: Sendable {
    /// As many in each step, one more in the first where they do not divide.
    case even
    /// The share of masked tokens that goes from 1 to this number, in equal parts of time.
    case linear(end: Double)
  }

  /// Steps for all tokens.
  package var steps: Int
  /// Tokens of a block; no token is filled in before all of the blocks before are.
  package var blockLength: Int
  package var order: Order
  package var pace: Pace
  /// Of the noise on scores; 0 takes the likeliest.
  package var temperature: Double
  /// Confidence from which on a token is filled in, and the surest one in any case, in place of a number for each step.
  package var threshold: Double?
  /// Whether the first step of a block fills in its first token alone, as Fast-dLLM's code of shifted models with caches.
  package var beginsWithFirst = false

  package init(
    steps: Int, blockLength: Int, order: Order = .confidence, pace: Pace = .even,
    temperature: Double = 0, threshold: Double? = nil
  ) {
    (self.steps, self.blockLength) = (max(1, steps), max(1, blockLength))
    (self.order, self.pace, self.temperature) = (order, pace, temperature)
    self.threshold = threshold
  }

  /// Fills in tokens behind others.
  ///
  /// - Parameters:
  ///   - prompt: the tokens before.
  ///   - count: how many are filled in.
  ///   - mask: the token that stands for one to be filled in.
  ///   - noise: of the seed.
  ///   - scores: logits `[position, id]` of some positions of a text.
  ///   - onBlock: called with the tokens of each block; false ends the text.
  /// - Throws: what the closures throw.
  package func fill(
    behind prompt: [Int], count: Int, mask: Int, noise: TokenNoise,
    scores: (_ ids: [Int], _ positions: Range<Int>) throws -> Tensor,
    onBlock: (_ ids: [Int]) throws -> Bool
  ) throws {
    var ids = prompt + [Int](repeating: mask, count: count)
    var step = 0
    let blocks = (count + blockLength - 1) / blockLength
    for block in 0..<blocks {
      let first = prompt.count + block * blockLength
      let range = first..<min(first + blockLength, ids.count)
      let length = max(1, steps / blocks)
      for index in 0... {
        let masked = range.filter { ids[$0] == mask }
        guard !masked.isEmpty else { break }
        step += 1
        let share = self.share(of: range.count, masked: masked.count, index, length)
        let isFirst = beginsWithFirst && index == 0
        guard isFirst || threshold != nil || isDrawn || Int(share.rounded(.down)) > 0 else {
          continue
        }
        let rows = try scores(ids, range)
        let found = try choices(rows, masked.map { $0 - first }, mask, noise[step])
        let filled = isFirst ? Array(found.prefix(1)) : chosen(found, share)
        for choice in filled { ids[first + choice.position] = choice.id }
      }
      guard try onBlock(Array(ids[range])) else { return }
    }
  }

  /// Whether each token is filled in with a probability, as by Dream's own order.
  private var isDrawn: Bool {
    if case .linear = pace { order == .random } else { false }
  }

  /// Tokens that a step fills in, of which the fraction counts where they are drawn.
  private func share(of count: Int, masked: Int, _ index: Int, _ steps: Int) -> Double {
    guard index < steps - 1 else { return Double(masked) }
    switch pace {
    case .even: return Double(count / steps + (index < count % steps ? 1 : 0))
    case .linear(let end):
      let time = { (step: Int) in 1 + (end - 1) * Double(step) / Double(steps) }
      return Double(masked) * (1 - time(index + 1) / time(index))
    }
  }

  /// The token of a masked position, and how sure it is.
  struct Choice {
    let position: Int, id: Int
    let confidence: Double
  }

  private func chosen(_ choices: [Choice], _ share: Double) -> [Choice] {
    if threshold == nil, isDrawn {
      return choices.filter { $0.confidence * Double(choices.count) < share }
    }
    // Of equally sure ones the first.
    let sorted = choices.enumerated().sorted {
      ($1.element.confidence, $0.offset) < ($0.element.confidence, $1.offset)
    }.map(\.element)
    guard let threshold else { return Array(sorted.prefix(Int(share))) }
    return Array(sorted.prefix(1)) + sorted.dropFirst().filter { $0.confidence >= threshold }
  }

  /// Chooses the token of each masked position.
  func choices(_ scores: Tensor, _ positions: [Int], _ mask: Int, _ noise: TokenNoise) throws
    -> [Choice]
  {
    let numbers = try scores.floats()
    let width = scores.shape.last ?? 1
    return positions.map { position in
      let row = numbers[position * width..<(position + 1) * width].map(Double.init)
      let noise = noise[position]
      // A masked token is none that fills in another.
      var id = mask == 0 ? 1 : 0
      if temperature == 0 {
        for other in row.indices where row[other] > row[id] && other != mask { id = other }
      } else {
        // The largest score with noise is drawn by the scores' probabilities (Gumbel's trick), in f64 as LLaDA has it.
        var best = -Double.infinity
        for other in row.indices where other != mask {
          let uniform = max(Double(noise.uniform(other)), 0x1p-25)
          let noised = row[other] - temperature * log(-log(uniform))
          if noised > best { (best, id) = (noised, other) }
        }
      }
      return Choice(
        position: position, id: id, confidence: confidence(row, id, noise.uniform(-1)))
    }
  }

  private func confidence(_ row: [Double], _ id: Int, _ uniform: Float) -> Double {
    if order == .random { return Double(uniform) }
    let largest = row.max() ?? 0
    let powers = row.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    switch order {
    case .margin:
      let first = powers.max() ?? 0
      let index = powers.firstIndex(of: first) ?? 0
      let second = powers.indices.reduce(0.0) { $1 == index ? $0 : max($0, powers[$1]) }
      return (first - second) / sum
    case .entropy:
      return powers.reduce(0) { $0 + $1 / sum * log($1 / sum + 1e-10) }
    default: return powers[id] / sum
    }
  }
}
