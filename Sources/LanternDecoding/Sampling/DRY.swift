import LanternPlatform

extension SamplerStep {
  /// "Don't repeat yourself", of text-generation-webui: a token that would prolong a repetition loses
  /// multiplier · base^(length − allowed length). Numbers are llama.cpp's.
  static let dry = SamplerStep(
    name: "dry", isFilter: false,
    isActive: { $0.dryMultiplier != 0 && $0.dryBase >= 1 && $0.dryWindow != 0 },
    apply: { sampler, candidates, context in
      let window = sampler.dryWindow
      let past = Array((window < 0 ? context.past[...] : context.past.suffix(window)).reversed())
      let allowed = sampler.dryAllowedLength
      let limit = sampler.dryBreakers.distance(in: past)
      guard past.count > allowed, limit >= allowed else { return }
      // How long a repetition each token would prolong: the tokens up to it, and those at the end, are the
      // same.
      var lengths: [Int: Int] = [:]
      for (index, length) in Self.matches(past).enumerated().dropFirst() {
        let length = min(length, limit)
        guard length >= allowed else { continue }
        lengths[past[index - 1], default: 0] = max(length, lengths[past[index - 1]] ?? 0)
      }
      // No more than a float holds.
      let most = sampler.dryBase > 1.000001 ? Int(88.722_839 / log(sampler.dryBase)) : 0
      for (index, id) in candidates.ids.enumerated() {
        guard let length = lengths[id], !sampler.dryBreakers.isBreaker(id) else { continue }
        let exponent = most > 0 ? min(length - allowed, most) : length - allowed
        candidates.scores[index] -= sampler.dryMultiplier * pow(sampler.dryBase, Float(exponent))
      }
    })

  /// The Z function: of each position how many tokens from there on equal those from the beginning on.
  private static func matches(_ tokens: [Int]) -> [Int] {
    var lengths = [Int](repeating: 0, count: tokens.count)
    var (start, end) = (0, 0)
    for position in tokens.indices.dropFirst() {
      var length = position < end ? min(end - position, lengths[position - start]) : 0
      while position + length < tokens.count, tokens[length] == tokens[position + length] {
        length += 1
      }
      lengths[position] = length
      if position + length > end { (start, end) = (position, position + length) }
    }
    return lengths
  }
}
