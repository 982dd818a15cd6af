import LanternPlatform

/// Medians, means and their confidence intervals from a few measurements.
///
/// Intervals are of 95 % and take measurements as independent.
package enum Statistics {
  /// The median; the mean of the two middle values of an even number; nil of none.
  package static func median(_ values: [Double]) -> Double? {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return nil }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// The mean; nil of none.
  package static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// Between which values the median of all lies, whatever they are distributed like: from the k-th
  /// least to the k-th largest, which miss it where fewer than k of n fall on one side of it. Nil of
  /// fewer than six, whose least and largest do not reach 95 %.
  package static func medianInterval(_ values: [Double]) -> ClosedRange<Double>? {
    let count = values.count
    // Chance that at most `found` of `count` fall below the median; as logarithms, since 2^-1100 is 0.
    var (below, found) = (0.0, 0)
    let whole = lgamma(Double(count + 1)) - Double(count) * log(2)
    while found < count {
      below += exp(whole - lgamma(Double(found + 1)) - lgamma(Double(count - found + 1)))
      if below > 0.025 { break }
      found += 1
    }
    guard found > 0 else { return nil }
    let sorted = values.sorted()
    return sorted[found - 1]...sorted[count - found]
  }

  /// Between which values the mean of all lies, by Student's t; nil of fewer than two.
  package static func meanInterval(_ values: [Double]) -> ClosedRange<Double>? {
    guard let mean = mean(values), values.count > 1 else { return nil }
    let freedom = values.count - 1
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(freedom)
    let half = student(freedom) * (variance / Double(values.count)).squareRoot()
    return mean - half...mean + half
  }

  /// Between which shares that of all lies of which `right` of `count` are (Wilson 1927); nil of none.
  package static func shareInterval(_ right: Int, of count: Int) -> ClosedRange<Double>? {
    guard count > 0 else { return nil }
    let (share, all) = (Double(right) / Double(count), Double(count))
    let spread = normal * normal / all
    let middle = (share + spread / 2) / (1 + spread)
    let half =
      normal / (1 + spread) * (share * (1 - share) / all + spread / all / 4).squareRoot()
    // At the ends rounding would leave a trace of the share that is none or all.
    return (right == 0 ? 0 : max(middle - half, 0))...(right == count ? 1 : min(middle + half, 1))
  }

  /// 0.975 of a normal distribution lie below this.
  static let normal = 1.959964

  private static let students = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622,
  ]

  /// 0.975 of Student's distribution lie below this; from ten degrees of freedom on by Cornish and
  /// Fisher's expansion, within 0.0003.
  private static func student(_ freedom: Int) -> Double {
    if freedom <= students.count { return students[freedom - 1] }
    let (z, n) = (normal, Double(freedom))
    let cube = z * z * z
    let fifth = cube * z * z
    let terms = [
      (cube + z) / 4, (5 * fifth + 16 * cube + 3 * z) / 96,
      (3 * fifth * z * z + 19 * fifth + 17 * cube - 15 * z) / 384,
    ]
    return z + terms[0] / n + terms[1] / (n * n) + terms[2] / (n * n * n)
  }
}
