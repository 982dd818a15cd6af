import LanternPlatform

/// Sigma schedules: sigmas along a curve from the maximum to the minimum, both included.
enum Curves {
  /// Karras et al. 2022, arXiv:2206.00364, equation 5.
  static func karras(_ count: Int, over ends: ClosedRange<Double>) -> [Double] {
    let rho = 7.0
    let (top, bottom) = (pow(ends.upperBound, 1 / rho), pow(ends.lowerBound, 1 / rho))
    return ramp(count).map { pow(top + $0 * (bottom - top), rho) }
  }

  /// Even in the logarithm to the power of `rho` (k-diffusion's `get_sigmas_polyexponential`).
  static func polyexponential(
    _ count: Int, over ends: ClosedRange<Double>, rho: Double
  ) -> [Double] {
    let (top, bottom) = (log(ends.upperBound), log(ends.lowerBound))
    return ramp(count).map { exp(bottom + pow(1 - $0, rho) * (top - bottom)) }
  }

  /// Quantiles of the beta distribution, stretched over the sigmas (diffusers).
  static func beta(_ count: Int, over ends: ClosedRange<Double>) -> [Double] {
    let length = ends.upperBound - ends.lowerBound
    return ramp(count).map { ends.lowerBound + betaQuantile(1 - $0) * length }
  }

  /// The tangent of evenly spaced angles (the forward path of least divergence).
  static func klOptimal(_ count: Int, over ends: ClosedRange<Double>) -> [Double] {
    let (top, bottom) = (atan(ends.upperBound), atan(ends.lowerBound))
    return ramp(count).map { tan($0 * bottom + (1 - $0) * top) }
  }

  /// Align Your Steps' table, stretched to any count by interpolation of logarithms.
  static func alignYourSteps(_ count: Int) -> [Double] {
    let table = [
      14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092,
      0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582,
    ].map(log)
    return (0..<count).map { index in
      // Of one point more, the last of which is the clean end.
      let position = Double(index) / Double(count) * Double(table.count - 1)
      let below = min(Int(position), table.count - 2)
      return exp(table[below] + (table[below + 1] - table[below]) * (position - Double(below)))
    }
  }

  /// `count` numbers from 0 to 1; a single one is 0.
  private static func ramp(_ count: Int) -> [Double] {
    (0..<count).map { count > 1 ? Double($0) / Double(count - 1) : 0 }
  }

  /// The quantile function of the beta distribution with α = β = 0.6.
  ///
  /// With `x = sin²(angle)` the density is `sin(2 · angle)^0.2`, without poles; its integral is
  /// halved and its quantile found by bisection.
  static func betaQuantile(_ share: Double) -> Double {
    guard share > 0 else { return 0 }
    guard share < 1 else { return 1 }
    // The curve is symmetric: the smaller half is the more exact.
    if share > 0.5 { return 1 - betaQuantile(1 - share) }
    let wanted = share * betaMass(.pi / 2)
    var (low, high) = (0.0, Double.pi / 4)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if betaMass(middle) < wanted { low = middle } else { high = middle }
    }
    let sine = sin((low + high) / 2)
    return sine * sine
  }

  /// The integral of `sin(2 · angle)^0.2` from 0, for angles to π/2.
  private static func betaMass(_ angle: Double) -> Double {
    guard angle <= .pi / 4 else { return 2 * betaMass(.pi / 4) - betaMass(.pi / 2 - angle) }
    // Near 0 it rises like a root: with angle = u⁵ it is smooth, and Simpson's rule is exact enough.
    let end = pow(angle, 0.2)
    let parts = 200
    let width = end / Double(parts)
    func height(_ u: Double) -> Double {
      let power = u * u * u * u
      return pow(sin(2 * power * u), 0.2) * 5 * power
    }
    var sum = height(0) + height(end)
    for index in 1..<parts { sum += height(Double(index) * width) * (index % 2 == 1 ? 4 : 2) }
    return sum * width / 3
  }
}
