import LanternPlatform
package import LanternTensor

/// Positions as angles that queries and keys turn by (RoPE; Su et al. 2021, arXiv:2104.09864).
package struct RotaryEmbedding: Sendable {
  private let features: Int
  private let theta: Double
  private let scaling: Scaling
  private let pairing: Pairing
  private let frequencies: [Float]

  /// Which features of a head make a pair.
  package enum Pairing: Sendable {
    /// i and i + half: GPT-NeoX, and transformers' Llama and Phi.
    case halves
    /// 2i and 2i + 1: GPT-J, FLUX, and Llama's own files.
    case interleaved
  }

  /// How frequencies change for texts longer than those of training: transformers' `rope_type`.
  package enum Scaling: Sendable, Equatable {
    /// `default`: they do not.
    case none
    /// `linear`: all divided by a factor.
    case linear(factor: Double)
    /// `dynamic`: a larger base for texts longer than `length`, by how much longer they are.
    case dynamic(factor: Double, length: Int)
    /// `llama3`: divided by a factor where a turn takes more than `length / low` tokens, kept where fewer than
    /// `length / high`, and between both between.
    case llama3(factor: Double, low: Double, high: Double, length: Int)
    /// Each pair's divided by a number of its own, as llama.cpp stores `llama3`; pairs beyond keep theirs.
    case divided(by: [Double])
    /// `yarn` (Peng et al. 2023, arXiv:2309.00071): divided by a factor where `length` tokens are fewer than
    /// `slow` turns, kept where more than `fast`, and cosines and sines times `attention`. `truncates` is
    /// whether the bounds of the ramp between are rounded to whole pairs.
    case yarn(
      factor: Double, length: Int, fast: Double = 32, slow: Double = 1, attention: Double,
      truncates: Bool = true)
    /// `longrope` (Ding et al. 2024, arXiv:2402.13753): each pair's divided by its number of `short` in texts of up
    /// to `length` tokens, by that of `long` in longer ones, and cosines and sines times `attention`.
    case longrope(short: [Double], long: [Double], length: Int, attention: Double)

    /// What cosines and sines are multiplied by.
    fileprivate var attention: Float {
      switch self {
      case .yarn(_, _, _, _, let attention, _), .longrope(_, _, _, let attention): Float(attention)
      default: 1
      }
    }

    /// As of ``RotaryEmbedding/stableLength``.
    fileprivate var length: Int? {
      switch self {
      case .dynamic(_, let length), .longrope(_, _, let length, _): length
      default: nil
      }
    }
  }

  /// - Parameters:
  ///   - features: how many of a head turn; even.
  ///   - theta: the base: the slowest pair's wavelength over 2π, about.
  ///   - scaling: for texts longer than those of training.
  ///   - pairing: which features make a pair.
  package init(
    features: Int, theta: Float, scaling: Scaling = .none, pairing: Pairing = .halves
  ) {
    self.features = features
    self.theta = Double(theta)
    self.scaling = scaling
    self.pairing = pairing
    self.frequencies = Self.frequencies(features, Double(theta), scaling, tokens: 0)
  }

  /// Tokens beyond which the whole of a text is turned otherwise than before: `longrope`'s length.
  package var switchLength: Int? {
    if case .longrope(_, _, let length, _) = scaling { length } else { nil }
  }

  /// What each pair's frequency is divided by in short texts: 1 without scaling.
  package var divisors: [Float] {
    let plain = Self.frequencies(features, theta, .none, tokens: 0)
    return zip(plain, frequencies).map { $0 / $1 }
  }

  /// Tokens up to which frequencies do not depend on how long a text is; nil where they never do.
  package var stableLength: Int? { scaling.length }

  /// Cosines and sines of the angles of some positions, which every layer shares.
  package struct Turn: Sendable {
    private let cosines: Tensor
    private let sines: Tensor
    private let isInterleaved: Bool

    /// Cosines and sines, `[token, pair]`, and which features make a pair.
    init(cosines: Tensor, sines: Tensor, isInterleaved: Bool) {
      (self.cosines, self.sines, self.isInterleaved) = (cosines, sines, isInterleaved)
    }

    /// Queries or keys `[batch, token, head · feature]`, turned.
    package func callAsFunction(_ x: Tensor, heads: Int) throws(TensorError) -> Tensor {
      try x.rotated(heads: heads, cosines: cosines, sines: sines, isInterleaved: isInterleaved)
    }
  }

  /// The turn of tokens at these positions.
  package func turn(_ positions: some Collection<Int>) throws(TensorError) -> Turn {
    let tokens = (positions.max() ?? -1) + 1
    let frequencies =
      if let length = scaling.length, tokens > length {
        Self.frequencies(features, theta, scaling, tokens: tokens)
      } else {
        self.frequencies
      }
    let angles = positions.flatMap { position in
      frequencies.map { Double(Float(position) * $0) }
    }
    let shape = [positions.count, frequencies.count]
    let factor = scaling.attention
    return Turn(
      cosines: try Tensor(angles.map { Float(cos($0)) * factor }, shape: shape),
      sines: try Tensor(angles.map { Float(sin($0)) * factor }, shape: shape),
      isInterleaved: pairing == .interleaved)
  }

  /// Radians that each pair turns by from one token to the next, in a text of `tokens`.
  private static func frequencies(
    _ features: Int, _ theta: Double, _ scaling: Scaling, tokens: Int
  ) -> [Float] {
    var base = theta
    if case .dynamic(let factor, let length) = scaling, features > 2, tokens > length {
      let longer = factor * Double(tokens) / Double(length) - (factor - 1)
      base *= pow(longer, Double(features) / Double(features - 2))
    }
    let plain = (0..<features / 2).map { 1 / pow(base, Double(2 * $0) / Double(features)) }
    switch scaling {
    case .none, .dynamic: return plain.map { Float($0) }
    case .linear(let factor): return plain.map { Float($0 / factor) }
    case .divided(let divisors): return divided(plain, by: divisors)
    case .longrope(let short, let long, let length, _):
      return divided(plain, by: tokens > length ? long : short)
    case .llama3(let factor, let low, let high, let length):
      return plain.map { frequency in
        let turns = Double(length) * frequency / (2 * .pi)
        let kept = min(max((turns - low) / (high - low), 0), 1)
        return Float((1 - kept) * frequency / factor + kept * frequency)
      }
    case .yarn(let factor, let length, let fast, let slow, _, let truncates):
      /// The pair, counted in features, that turns so many times in `length` tokens.
      func pair(turns: Double) -> Double {
        Double(features) * log(Double(length) / (turns * 2 * .pi)) / (2 * log(base))
      }
      var (first, last) = (pair(turns: fast), pair(turns: slow))
      if truncates { (first, last) = (first.rounded(.down), last.rounded(.up)) }
      (first, last) = (max(first, 0), min(last, Double(features - 1)))
      if first == last { last += 0.001 }
      return plain.enumerated().map { index, frequency in
        let divided = min(max((Double(index) - first) / (last - first), 0), 1)
        return Float(frequency / factor * divided + frequency * (1 - divided))
      }
    }
  }

  /// Each pair's frequency over its divisor, or as it is where there is none.
  private static func divided(_ frequencies: [Double], by divisors: [Double]) -> [Float] {
    frequencies.enumerated().map { index, frequency in
      Float(index < divisors.count ? frequency / divisors[index] : frequency)
    }
  }
}
