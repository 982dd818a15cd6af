import LanternPlatform
package import Lantern
package import LanternTensor

/// The times of a model's parts, with this machine's peaks.
package struct ModelBench {
  /// A part, measured.
  package struct Row {
    /// What it does.
    package let name: String
    /// How often a picture needs it.
    package let count: Int
    /// Of each run.
    package let seconds: [Double]
    /// Multiplications and additions of one run.
    package let operations: Int
    /// Of the arguments of linear maps, convolutions and attention in one run.
    package let bytes: Int

    /// The median of the seconds.
    package var median: Double { seconds.sorted()[seconds.count / 2] }
  }

  /// The parts.
  package let rows: [Row]
  /// What the model computed in.
  package let precision: Precision
  /// Operations a second of multiplications and additions in registers, as the precision has them.
  package let peakOperations: Double
  /// Bytes a second when a large tensor is read.
  package let peakBytes: Double
  /// Peak memory of this process.
  package let peakMemory: Int

  /// Measures.
  ///
  /// - Parameters:
  ///   - generator: the model.
  ///   - width: of the picture in pixels; the model's own when nil.
  ///   - height: like `width`.
  ///   - batch: pictures to a call; a picture's own needs when nil.
  ///   - names: of the parts to measure; all of them when empty.
  ///   - runs: of each part; the first of one more is not counted.
  ///   - onRun: called for each run: its number, of how many; throw to stop.
  /// - Throws: what the parts throw, and `onRun`.
  package init(
    _ generator: ImageGenerator, width: Int?, height: Int?, batch: Int? = nil,
    only names: [String] = [], runs: Int,
    onRun: (Int, Int) throws -> Void
  ) throws {
    let parts = try generator.parts(width: width, height: height, batch: batch).filter {
      names.isEmpty || names.contains($0.name)
    }
    var done = 0
    rows = try parts.map { part in
      var seconds: [Double] = []
      var work = (operations: 0, bytes: 0)
      for run in 0...runs {
        let before = ComputeEngine.work
        let time = try LanternBench.time(of: part.run)
        let after = ComputeEngine.work
        work = (after.operations - before.operations, after.bytes - before.bytes)
        if run > 0 { seconds.append(time) }
        done += 1
        try onRun(done, parts.count * (runs + 1))
      }
      return Row(
        name: part.name, count: part.count, seconds: seconds, operations: work.operations,
        bytes: work.bytes)
    }
    peakMemory = ResidentMemory.peak
    let peaks = try MachinePeaks()
    precision = generator.model.precision
    peakOperations = peaks.operations[precision.arithmetic] ?? 1
    peakBytes = peaks.bytes
  }
}
