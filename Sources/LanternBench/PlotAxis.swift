import LanternPlatform

extension Plot {
  /// How an axis counts, and from where to where.
  enum Axis {
    case linear(ClosedRange<Double>)
    case logarithmic(ClosedRange<Double>)

    /// A logarithmic axis that reaches a little beyond the values, and no further than `most`.
    static func logarithmic(around values: [Double], maximum: Double = .infinity) -> Axis {
      let positive = values.filter { (1e-30...1e30).contains($0) }
      guard let minimum = positive.min(), let largest = positive.max() else {
        return .logarithmic(1...2)
      }
      let high = min(largest, maximum)
      let low = min(minimum, high)
      let beyond = max(pow(high / low, 0.03), 1.02)
      return .logarithmic(low / beyond...high * beyond)
    }

    /// The position of a value, 0…1; what lies outside, at the nearer end.
    func share(_ value: Double) -> Double {
      switch self {
      case .linear(let range):
        let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        return min(max(share, 0), 1)
      case .logarithmic(let range):
        let inside = min(max(value, range.lowerBound), range.upperBound)
        return log(inside / range.lowerBound) / log(range.upperBound / range.lowerBound)
      }
    }

    /// Tick values: of a logarithmic one powers of 2 where these are few, or else 1, 2 and 5
    /// of each power of 10, or the powers alone; of less than a factor of 2 its ends.
    var ticks: [Double] {
      switch self {
      case .linear(let range):
        return (0...5).map {
          range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / 5
        }
      case .logarithmic(let range):
        let minimum = range.lowerBound * (1 - 1e-9)
        let maximum = range.upperBound * (1 + 1e-9)
        func multiples(_ factors: [Double], of base: Double) -> [Double] {
          let first = Int((log(minimum) / log(base)).rounded(.down))
          let last = Int((log(maximum) / log(base)).rounded(.up))
          return (first...max(first, last)).flatMap { power in
            factors.map { $0 * pow(base, Double(power)) }
          }.filter { (minimum...maximum).contains($0) }
        }
        let found = [
          minimum >= 0.5 ? multiples([1], of: 2) : [], multiples([1, 2, 5], of: 10),
          multiples([1], of: 10),
        ].first { (2...14).contains($0.count) }
        return found ?? [range.lowerBound, range.upperBound]
      }
    }
  }
}
