import LanternBench
import LanternTensor
import Testing

@Suite struct MachinePeaksTests {
  /// Fails where the peak's sums wait for each other, or do not stay in registers: whenever it is
  /// measured. Other tests may have the threads once, or several times.
  @Test(
    "no matrix product passes the peak of its arithmetic",
    arguments: [Precision.exact, .fast, .int8])
  func products(_ precision: Precision) throws {
    let shape = try #require(KernelCase("linear 256x640x1280"))
    var found: [String] = []
    for _ in 0..<8 {
      let peaks = try MachinePeaks()
      let peak = try #require(peaks.operations[shape.arithmetic(precision)])
      let row = try KernelBench.measure("", shape, precision, runs: 15)
      let speed = Double(row.operations) / (row.seconds.min() ?? .infinity)
      if speed < 1.1 * peak { return }
      found.append("\(speed / 1e9) of \(peak / 1e9) GFLOP/s")
    }
    Issue.record("\(found)")
  }

  @Test("a precision that saves no time on this processor says so, and exact never does")
  func notes() {
    #expect(Precision.exact.note == nil)
    let set = ComputeEngine.instructionSet
    let hasByteProducts = ["avx512vnni", "amx", "neondot", "neonhalf"].contains(set)
    #expect((Precision.int8.note == nil) == hasByteProducts)
    #expect((Precision.fast.note == nil) == (Precision.default == .fast))
    #expect(Precision.int8.note?.contains(set) ?? hasByteProducts)
  }
}
