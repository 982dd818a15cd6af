#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A drawing of lines over two axes, as SVG that needs nothing else.
struct Plot {
  /// A point, and what is said of it when it is pointed at.
  struct Point {
    var x: Double
    var y: Double
    var title: String
  }

  /// Points that belong together.
  struct Series {
    var name: String
    var points: [Point]
  }

  /// How an axis counts.
  enum Axis {
    case linear(ClosedRange<Double>)
    case logarithmic(ClosedRange<Double>)

    /// A logarithmic axis around values, in whole powers of `base`.
    static func logarithmic(around values: [Double], base: Double) -> Axis {
      let positive = values.filter { (1e-30...1e30).contains($0) }
      guard let least = positive.min(), let most = positive.max() else {
        return .logarithmic(1...base)
      }
      let low = pow(base, (log(least) / log(base) + 1e-9).rounded(.down))
      let high = pow(base, (log(most) / log(base) - 1e-9).rounded(.up))
      return .logarithmic(low...max(high, low * base))
    }

    /// Where a value lies, 0…1.
    func place(_ value: Double) -> Double {
      switch self {
      case .linear(let range):
        (value - range.lowerBound) / (range.upperBound - range.lowerBound)
      case .logarithmic(let range):
        log(max(value, range.lowerBound) / range.lowerBound)
          / log(range.upperBound / range.lowerBound)
      }
    }

    /// Values to write beside it.
    var ticks: [Double] {
      switch self {
      case .linear(let range):
        return (0...5).map {
          range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / 5
        }
      case .logarithmic(let range):
        let isBinary = range.upperBound / range.lowerBound < 300
        var ticks: [Double] = []
        var tick = range.lowerBound
        while tick <= range.upperBound * 1.0001, ticks.count < 64 {
          ticks.append(tick)
          tick *= isBinary ? 2 : 10
        }
        return ticks
      }
    }
  }

  var title: String
  var across: String
  var up: String
  var x: Axis
  var y: Axis
  var series: [Series]
  /// Whether more is better along `y`.
  var isMoreBetter: Bool

  private static let (width, height) = (760.0, 460.0)
  private static let (left, right, top, bottom) = (64.0, 14.0, 34.0, 46.0)

  /// The colour of the series of an index.
  static func colour(_ index: Int) -> String {
    "hsl(\(index * 137 % 360) 65% \(40 + index % 3 * 9)%)"
  }

  /// Points that no other beats in both ways: less along `x`, better along `y`.
  var front: [Point] {
    let all = series.flatMap(\.points).sorted { $0.x < $1.x }
    func isBetter(_ a: Double, _ b: Double) -> Bool { isMoreBetter ? a > b : a < b }
    return all.filter { point in
      !all.contains { other in
        (other.x < point.x && !isBetter(point.y, other.y))
          || (other.x == point.x && isBetter(other.y, point.y))
      }
    }
  }

  /// The drawing.
  var svg: String {
    var parts = [
      "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(title)\">",
      "<text x=\"\(Self.left)\" y=\"20\" class=\"head\">\(title)</text>",
    ]
    for tick in x.ticks {
      let place = across(tick)
      parts.append(
        "<line x1=\"\(place)\" x2=\"\(place)\" y1=\"\(Self.top)\" "
          + "y2=\"\(Self.height - Self.bottom)\" class=\"grid\"/>"
          + "<text x=\"\(place)\" y=\"\(Self.height - 28)\" class=\"tick\" "
          + "text-anchor=\"middle\">\(Self.short(tick))</text>")
    }
    for tick in y.ticks {
      let place = up(tick)
      parts.append(
        "<line x1=\"\(Self.left)\" x2=\"\(Self.width - Self.right)\" y1=\"\(place)\" "
          + "y2=\"\(place)\" class=\"grid\"/><text x=\"\(Self.left - 6)\" y=\"\(place + 4)\" "
          + "class=\"tick\" text-anchor=\"end\">\(Self.short(tick))</text>")
    }
    parts.append(
      "<text x=\"\((Self.left + Self.width - Self.right) / 2)\" y=\"\(Self.height - 8)\" "
        + "class=\"axis\" text-anchor=\"middle\">\(across)</text>"
        + "<text transform=\"translate(14 \(Self.height / 2)) rotate(-90)\" class=\"axis\" "
        + "text-anchor=\"middle\">\(up)</text>")
    for point in front {
      parts.append(
        "<circle cx=\"\(across(point.x))\" cy=\"\(up(point.y))\" r=\"8\" class=\"front\"/>")
    }
    for (index, line) in series.enumerated() {
      let places = line.points.map { "\(Self.fixed(across($0.x))),\(Self.fixed(up($0.y)))" }
      parts.append(
        "<polyline points=\"\(places.joined(separator: " "))\" fill=\"none\" "
          + "stroke=\"\(Self.colour(index))\" stroke-width=\"1.6\"/>")
      for point in line.points {
        parts.append(
          "<circle cx=\"\(Self.fixed(across(point.x)))\" cy=\"\(Self.fixed(up(point.y)))\" r=\"3.4\" "
            + "fill=\"\(Self.colour(index))\"><title>\(point.title)</title></circle>")
      }
    }
    return (parts + ["</svg>"]).joined(separator: "\n")
  }

  private func across(_ value: Double) -> Double {
    Self.left + x.place(value) * (Self.width - Self.left - Self.right)
  }

  private func up(_ value: Double) -> Double {
    Self.height - Self.bottom - y.place(value) * (Self.height - Self.top - Self.bottom)
  }

  private static func fixed(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

  /// A number in few letters.
  static func short(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    guard abs(value) > 1e-15 else { return "0" }
    let size = abs(value)
    if size >= 100 || value == value.rounded() { return "\(Int(value.rounded()))" }
    let digits = max(0, 2 - Int(log10(size).rounded(.down)))
    let factor = pow(10, Double(digits))
    return "\((value * factor).rounded() / factor)"
  }
}
