package import LanternTensor

/// The measured peaks of this machine: arithmetic and memory bandwidth.
package struct MachinePeaks {
  /// Operations a second, a multiplication and an addition being two, in registers on all threads, with
  /// each arithmetic: in the time that threads had a processor, so that what else runs meanwhile takes
  /// nothing away.
  package let operations: [Arithmetic: Double]
  /// Bytes a second when a large tensor is read.
  package let bytes: Double

  /// Measures, in a quarter of a second.
  package init() throws {
    var operations: [Arithmetic: Double] = [:]
    for arithmetic in Arithmetic.allCases {
      operations[arithmetic] =
        (0..<5).map { _ in ComputeEngine.spin(arithmetic, rounds: 1_000_000) }.max()
    }
    self.operations = operations
    let count = 32 << 20
    let rows = 1 << 10
    let x = try Tensor(repeating: 1, shape: [rows, count / rows])
    let best = try (0..<6).map { _ in try LanternBench.time(of: { _ = try x.sum() }) }.min() ?? 1
    bytes = Double(4 * count) / best
  }
}

/// How long `body` takes.
package func time(of body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  return start.duration(to: clock.now).seconds
}

extension Duration {
  /// As a number.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
