import LanternEvaluation
import Testing

/// Expected values are SciPy's (`stats.t.interval`, `stats.binom.interval`, statsmodels'
/// `proportion_confint(method="wilson")`).
@Suite struct StatisticsTests {
  private func isNear(_ found: ClosedRange<Double>?, _ low: Double, _ high: Double) -> Bool {
    guard let found else { return false }
    return abs(found.lowerBound - low) < 2e-3 && abs(found.upperBound - high) < 2e-3
  }

  @Test("medians and means are those of the values, and nothing of none")
  func middles() {
    #expect(Statistics.median([3, 1, 2]) == 2 && Statistics.median([4, 1, 2, 3]) == 2.5)
    #expect(Statistics.mean([1, 2, 6]) == 3)
    #expect(Statistics.median([]) == nil && Statistics.mean([]) == nil)
  }

  @Test("the median's interval is between ranks that miss it in one of twenty cases at most")
  func ranks() {
    func ends(_ count: Int) -> ClosedRange<Double>? {
      Statistics.medianInterval((1...count).map(Double.init).reversed())
    }
    #expect((1...5).allSatisfy { ends($0) == nil } && Statistics.medianInterval([]) == nil)
    // Fewer than k of n coins fall on heads with a chance of at most 0.025.
    #expect(ends(6) == 1...6 && ends(8) == 1...8 && ends(9) == 2...8 && ends(20) == 6...15)
    #expect(ends(100) == 40...61 && ends(5000) == 2431...2570)
  }

  @Test("the mean's interval is Student's, of two values and of many")
  func student() {
    #expect(Statistics.meanInterval([1]) == nil)
    #expect(isNear(Statistics.meanInterval([1, 2]), -4.8531, 7.8531))
    #expect(isNear(Statistics.meanInterval([1, 2, 3, 4, 5]), 1.0368, 4.9632))
    #expect(isNear(Statistics.meanInterval((1...11).map(Double.init)), 3.7718, 8.2282))
    #expect(isNear(Statistics.meanInterval((1...40).map { Double($0) / 10 }), 1.6762, 2.4238))
  }

  @Test("the interval of a share is Wilson's, and leaves doubt where all or none are right")
  func shares() {
    #expect(Statistics.shareInterval(0, of: 0) == nil)
    #expect(isNear(Statistics.shareInterval(8, of: 8), 0.6756, 1))
    #expect(isNear(Statistics.shareInterval(0, of: 8), 0, 0.3244))
    #expect(isNear(Statistics.shareInterval(7, of: 8), 0.5291, 0.9776))
    #expect(isNear(Statistics.shareInterval(94, of: 100), 0.8752, 0.9722))
  }
}
