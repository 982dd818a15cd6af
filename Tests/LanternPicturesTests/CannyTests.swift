import LanternFormats
import LanternPictures
import LanternTensor
import TestSupport
import Testing

/// Fixtures by tools/fixtures/canny.py (OpenCV).
@Suite struct CannyTests {
  @Test(
    "edges are OpenCV's, pixel by pixel, for any thresholds",
    arguments: ["fox", "waves", "noise", "line"], [(100, 200), (30, 90), (250, 600)])
  func parity(name: String, thresholds: (Int, Int)) throws {
    let (low, high) = thresholds
    let file = try SafetensorsFile(fixture("canny.safetensors"))
    func bytes(_ key: String) throws -> (shape: [Int], [UInt8]) {
      let tensor = try #require(try file.tensor("\(name).\(key)"))
      return (tensor.shape, try tensor.converted(to: .float32).floats().map { UInt8($0) })
    }
    let (shape, pixels) = try bytes("picture")
    let picture = try Picture(width: shape[1], height: shape[0], pixels: pixels)
    let wanted = try bytes("\(low)-\(high)").1
    let found = try picture.cannyEdges(low: low, high: high).pixels
    #expect(found.count == 3 * wanted.count)
    let different = found.indices.count { found[$0] != wanted[$0 / 3] }
    #expect(different == 0, "\(different) of \(found.count)")
    // Thresholds in the other order mean the same.
    #expect(try picture.cannyEdges(low: high, high: low).pixels == found)
  }
}
