import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@testable import LanternBench

@Suite struct PlotTests {
  /// Lines from (1, `first`) to (64, one of `ends`).
  private func plot(
    _ ends: [Double], isMoreBetter: Bool = false, maximum: Double = .infinity
  ) -> Plot {
    let series = ends.enumerated().map { index, end in
      Plot.Series(
        index: index, name: "line \(index)",
        points: [
          Plot.Point(x: 1, y: 1, title: "start"),
          Plot.Point(x: 64, y: end, title: "<end> \(index)"),
        ])
    }
    return Plot(
      title: "a < b", across: "x", up: "y", x: .logarithmic(around: [1, 64]),
      y: .logarithmic(around: [1] + ends, maximum: maximum), series: series,
      isMoreBetter: isMoreBetter)
  }

  @Test(
    "names stand within the drawing and apart, as near to their lines as they can",
    arguments: [
      Array(repeating: 0.01, count: 23), Array(repeating: 1.0, count: 23),
      (0..<23).map { 0.01 * pow(1.2, Double($0)) }, [0.5], [0.01, 0.0101, 1, 0.5],
    ])
  func names(_ ends: [Double]) {
    let places = plot(ends).namePositions
    #expect(places.count == ends.count)
    let sorted = places.values.sorted()
    for (one, next) in zip(sorted, sorted.dropFirst()) {
      #expect(next - one >= Plot.nameHeight - 1e-9)
    }
    #expect((sorted.first ?? 0) >= 40 && (sorted.last ?? 0) <= 544)
    // In the order of the lines' ends: higher up is a smaller number.
    let order = places.sorted { $0.value < $1.value }.map { ends[$0.key] }
    #expect(order == order.sorted(by: >))
  }

  @Test("of more lines than there is room for, the best have names")
  func room() {
    let ends = (0..<60).map { 0.01 + 0.01 * Double($0) }
    let named = plot(ends).namePositions.keys.sorted()
    #expect(named.count > 20 && named == Array(0..<named.count))
    let best = plot(ends, isMoreBetter: true).namePositions.keys.sorted()
    #expect(best.last == 59 && best.count == named.count && best.first == 60 - best.count)
  }

  @Test("no two of 64 lines look alike, and neighbours differ in colour and in mark")
  func looks() {
    let looks = (0..<64).map(SeriesLook.init)
    for (index, look) in looks.enumerated() {
      for other in looks[(index + 1)...] {
        #expect(look.colour != other.colour || look.mark != other.mark)
      }
    }
    for (look, next) in zip(looks, looks.dropFirst()) {
      #expect(look.colour != next.colour && look.mark != next.mark)
    }
  }

  @Test("an axis reaches little further than its values, and outliers do not stretch it")
  func axes() {
    func ends(_ axis: Plot.Axis) -> (Double, Double) {
      if case .logarithmic(let range) = axis { return (range.lowerBound, range.upperBound) }
      return (0, 0)
    }
    let (low, high) = ends(.logarithmic(around: [0.011, 1.9, 0.3]))
    #expect(low > 0.009 && low < 0.011 && high > 1.9 && high < 2.4)
    let cut = Plot.Axis.logarithmic(around: [0.011, 108], maximum: 3)
    #expect(ends(cut).1 < 4 && cut.share(108) == 1 && cut.share(0.001) == 0)
    #expect(abs(cut.share(0.011) - 0.03) < 0.01)
    // Powers of two where they are few, ones, twos and fives or powers of ten elsewhere.
    #expect(Plot.Axis.logarithmic(around: [1, 127]).ticks == [1, 2, 4, 8, 16, 32, 64, 128])
    #expect(Plot.Axis.logarithmic(around: [0.03, 0.9]).ticks == [0.05, 0.1, 0.2, 0.5])
    #expect(Plot.Axis.logarithmic(around: [1e-6, 1e6]).ticks.count == 13)
    for values in [[5.0], [5, 5.01], [], [0], [-1, .nan, .infinity], [1e-30, 1e30]] {
      let ticks = Plot.Axis.logarithmic(around: values).ticks
      #expect((2...64).contains(ticks.count) && ticks.allSatisfy(\.isFinite), "\(values)")
    }
  }

  @Test("a drawing is well-formed, with a class for each line and nothing of a text as markup")
  func markup() throws {
    let svg = plot((0..<23).map { 0.01 + Double($0) / 100 }).svg
    final class Counter: NSObject, XMLParserDelegate {
      var series: [String] = []
      var ringed: [String?] = []
      func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
      ) {
        if name == "g" { series.append(attributes["class"] ?? "") }
        if name == "circle" { ringed.append(series.last) }
      }
    }
    let parser = XMLParser(data: Data(svg.utf8))
    let counter = Counter()
    parser.delegate = counter
    #expect(parser.parse())
    #expect(counter.series == (0..<23).map { "series s\($0)" })
    // All begin at one point, which nothing beats; of the ends the first one's is best. A ring steps back
    // with its line.
    #expect(counter.ringed == ["series s0"] + counter.series)
    #expect(svg.contains("&lt;end&gt; 22") && svg.contains("a &lt; b"))
  }
}
