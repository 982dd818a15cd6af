import Lantern
import LanternBench
import LanternTensor
import TestSupport
import Testing

/// What other precisions do to pictures, where the reference is the exact one.
@Suite struct PrecisionBenchTests {
  /// A default must reach 40 dB; this one reaches 65 (`lantern bench precision`).
  @Test("the shipped weights draw the same picture fast, and one much like it in 8 bits")
  func shipped() throws {
    var request = ImageRequest(prompt: "a red fox on the beach")
    request.seed = 42
    request.steps = 12
    var told: [Int] = []
    let bench = try PrecisionBench(
      Precision.allCases, [request], judge: nil,
      load: { try ImageGenerator(folder: repositoryPath("weights/picturebook"), precision: $0) },
      onPicture: { done, all, _ in told.append(10 * done + all) })
    #expect(told == [14, 24, 34, 44])
    #expect(bench.rows.map(\.precision) == Precision.allCases)
    let decibels = bench.rows.map(\.leastDecibels)
    #expect(decibels[0] == 99 && bench.rows[0].worst == 0)
    #expect(decibels[1] > 60 && bench.rows[1].worst <= 3)
    #expect(decibels[2] > 35 && decibels[2] < decibels[1])
    #expect(decibels[3] > 20 && decibels[3] < decibels[2])
  }

  @Test("each precision draws the same bits whatever the number of threads")
  func threads() throws {
    let before = ComputeEngine.threadCount
    defer { ComputeEngine.threadCount = before }
    for precision in Precision.allCases {
      let generator = try ImageGenerator(
        folder: fixture("tiny_pipeline"), precision: precision)
      let pictures = try [1, 2, 5].map { count in
        ComputeEngine.threadCount = count
        var request = ImageRequest(prompt: "a fox")
        request.seed = 42
        request.steps = 2
        return try generator.draw(request).picture.pixels
      }
      #expect(pictures.allSatisfy { $0 == pictures[0] }, "\(precision)")
    }
  }
}
