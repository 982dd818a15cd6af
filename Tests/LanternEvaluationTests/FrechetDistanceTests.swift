import LanternEvaluation
import LanternFormats
import LanternTensor
import TestSupport
import Testing

/// The fixture is made by tools/fixtures/frechet.py, with SciPy's root of a matrix.
@Suite struct FrechetDistanceTests {
  @Test("the Fréchet distance equals SciPy's, of more and of fewer pictures than features")
  func parity() throws {
    let path = fixture("frechet.safetensors")
    let file = try SafetensorsFile(path)
    func pictures(_ name: String) throws -> [[Float]] {
      let tensor = try #require(try file.tensor(name))
      return try (0..<tensor.shape[0]).map { row in
        try tensor.sliced(axis: 0, row..<row + 1).floats()
      }
    }
    let wanted = Double(try #require(try file.tensor("distance")).floats()[0])
    let second = try #require(FeatureStatistics(pictures("second")))
    for first in [
      try #require(FeatureStatistics(pictures("first"))), try FeatureStatistics(contentsOf: path),
    ] {
      #expect(abs(try #require(first.distance(to: second)) - wanted) < 1e-4 * wanted)
      #expect(abs(try #require(second.distance(to: first)) - wanted) < 1e-4 * wanted)
      #expect(try #require(first.distance(to: first)) < 1e-6)
    }
    #expect(FeatureStatistics([[1, 2]]) == nil)
  }
}
