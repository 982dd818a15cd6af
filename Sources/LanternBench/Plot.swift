import LanternPlatform
import Lantern

/// A drawing of lines over two axes, each with its name at its end, as SVG for ``BenchReport``'s page: large
/// letters and narrow, so that it can be read on a phone.
struct Plot {
  /// A point, and its tooltip.
  struct Point: Hashable {
    var x: Double
    var y: Double
    var title: String
  }

  /// Points that belong together.
  struct Series {
    /// Its number among all of the page, which its colour, mark and class follow.
    var index: Int
    var name: String
    var points: [Point]
  }

  var title: String
  var across: String
  var up: String
  var x: Axis
  var y: Axis
  var series: [Series]
  /// Whether more is better along `y`.
  var isMoreBetter: Bool

  private static let (width, height) = (560.0, 600.0)
  private static let (left, top, bottom) = (58.0, 40.0, 56.0)
  /// Between the names of two lines.
  static let nameHeight = 19.0

  /// Room for the names.
  private var right: Double {
    30 + min(7.6 * Double(series.map(\.name.count).max() ?? 0), Self.width / 3)
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
    let title = HTMLText.quoted(title)
    var parts = [
      "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(title)\">",
      "<text x=\"8\" y=\"22\" class=\"head\">\(title)</text>",
    ]
    for tick in x.ticks {
      let position = Self.fixed(across(tick))
      parts.append(
        "<path d=\"M\(position) \(Self.top)V\(Self.height - Self.bottom)\" class=\"grid\"/>"
          + "<text x=\"\(position)\" y=\"\(Self.height - Self.bottom + 18)\" "
          + "text-anchor=\"middle\">\(Self.short(tick))</text>")
    }
    for tick in y.ticks {
      let position = up(tick)
      parts.append(
        "<path d=\"M\(Self.left) \(Self.fixed(position))H\(Self.width - right)\" class=\"grid\"/>"
          + "<text x=\"\(Self.left - 6)\" y=\"\(Self.fixed(position + 5))\" "
          + "text-anchor=\"end\">\(Self.short(tick))</text>")
    }
    parts.append(
      "<text x=\"\((Self.left + Self.width - right) / 2)\" y=\"\(Self.height - 12)\" "
        + "text-anchor=\"middle\">\(HTMLText.quoted(across))</text>"
        + "<text transform=\"translate(14 \(Self.height / 2)) rotate(-90)\" "
        + "text-anchor=\"middle\">\(HTMLText.quoted(up))</text>")
    let (positions, rings) = (namePositions, Set(front))
    parts += series.map { group($0, name: positions[$0.index], rings) }
    return (parts + ["</svg>"]).joined(separator: "\n")
  }

  /// A line with its marks and their rings, its name, and what leads to that.
  private func group(_ line: Series, name: Double?, _ rings: Set<Point>) -> String {
    guard let last = line.points.last else { return "" }
    let positions = line.points.map { "\(Self.fixed(across($0.x))) \(Self.fixed(up($0.y)))" }
    let look = SeriesLook(line.index)
    let path = "<path d=\"M\(positions.joined(separator: "L"))\""
    var parts = [
      "<g class=\"series \(look.name)\">",
      // Something wide enough to be pointed at.
      path + " class=\"near\"/>",
      path + " class=\"line\"\(look.dashes.map { " stroke-dasharray=\"\($0)\"" } ?? "")/>",
    ]
    for (point, position) in zip(line.points, positions) {
      parts.append(
        "<path transform=\"translate(\(position))\" d=\"\(look.mark)\" class=\"mark\"><title>"
          + "\(HTMLText.quoted(point.title))</title></path>")
      if rings.contains(point) {
        parts.append("<circle transform=\"translate(\(position))\" r=\"9\" class=\"front\"/>")
      }
    }
    if let name {
      let start = Self.width - right + 12
      parts.append(
        "<path d=\"M\(Self.fixed(across(last.x) + 6)) \(Self.fixed(up(last.y)))L\(start - 4) "
          + "\(Self.fixed(name))\" class=\"lead\"/>"
          + "<path transform=\"translate(\(start + 3) \(Self.fixed(name)))\" d=\"\(look.mark)\" class=\"mark\"/>"
          + "<text class=\"name\" x=\"\(start + 12)\" y=\"\(Self.fixed(name + 5))\">\(HTMLText.quoted(line.name))</text>"
      )
    }
    return (parts + ["</g>"]).joined()
  }

  /// Where the name of each line stands, by the line's number: as near to its end as the others let it. Where
  /// there are more lines than room, those that end best have one.
  var namePositions: [Int: Double] {
    let (minimum, maximum) = (Self.top + 6, Self.height - Self.bottom)
    let room = Int((maximum - minimum) / Self.nameHeight) + 1
    let ends = series.compactMap { line in
      line.points.last.map { (index: line.index, value: $0.y, position: up($0.y)) }
    }.sorted { ($0.position, $0.index) < ($1.position, $1.index) }
    let chosen = isMoreBetter ? ends.prefix(room) : ends.suffix(room)
    var positions: [Double] = []
    for end in chosen {
      positions.append(max(end.position, minimum, (positions.last ?? -.infinity) + Self.nameHeight))
    }
    // What was pushed out below comes back, and pushes others up.
    for (number, index) in positions.indices.reversed().enumerated() {
      positions[index] = min(positions[index], maximum - Double(number) * Self.nameHeight)
    }
    return Dictionary(uniqueKeysWithValues: zip(chosen.map(\.index), positions))
  }

  private func across(_ value: Double) -> Double {
    Self.left + x.share(value) * (Self.width - Self.left - right)
  }

  private func up(_ value: Double) -> Double {
    Self.height - Self.bottom - y.share(value) * (Self.height - Self.top - Self.bottom)
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

/// The look of a line, distinct from 63 others: its colour, its mark, its dashes.
struct SeriesLook: Equatable {
  /// Of its class in the page's style.
  let name: String
  let colour: String
  /// A path around the origin.
  let mark: String
  /// Nil for an unbroken line.
  let dashes: String?

  /// Apart in hue and in lightness, on white and on black.
  private static let colours = [
    "#3b76b5", "#d97700", "#c93a3a", "#1a9c93", "#4d8f2f", "#8d5fc0", "#d0559a", "#8f6a4c",
  ]
  private static let marks = [
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z", "M-3.6 -3.6H3.6V3.6H-3.6Z", "M0 -4.8L4.6 3.6H-4.6Z",
    "M0 -5L5 0L0 5L-5 0Z", "M-4.6 -3.6H4.6L0 4.8Z",
    "M-1.4 -4.6H1.4V-1.4H4.6V1.4H1.4V4.6H-1.4V1.4H-4.6V-1.4H-1.4Z",
    "M-4.4 -2.4L-2.4 -4.4L0 -2L2.4 -4.4L4.4 -2.4L2 0L4.4 2.4L2.4 4.4L0 2L-2.4 4.4L-4.4 2.4L-2 0Z",
    "M0 -5L4.8 -1.5L2.9 4H-2.9L-4.8 -1.5Z",
  ]
  private static let patterns = [nil, "7 3", "2 3", "9 3 2 3"]

  /// That of the line of a number.
  init(_ index: Int) {
    let round = index / 8
    name = "s\(index)"
    colour = Self.colours[index % 8]
    mark = Self.marks[(index + 3 * round) % 8]
    dashes = Self.patterns[round % 4]
  }
}
