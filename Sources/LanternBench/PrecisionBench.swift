import LanternEvaluation
package import Lantern
package import LanternModels
import LanternPictures
package import LanternTensor

/// The costs and savings of each precision: seconds, memory, and how far its pictures are from exact ones.
package struct PrecisionBench {
  /// A precision, measured.
  package struct Row {
    package let precision: Precision
    /// Of loading the model.
    package let loadingSeconds: Double
    /// Of each picture.
    package let seconds: [Double]
    /// Most bytes of weights and buffers at any time.
    package let peakMemory: Int
    /// PSNR of each picture against the exact one, in decibels, 99 at most.
    package let decibels: [Double]
    /// The largest difference of a value from the exact picture's, of 255.
    package let worst: Int
    /// Of the pictures that can be judged, how many show what their prompts say; nil where none can.
    package let accuracy: Double?

    /// The median of the seconds.
    package var median: Double { seconds.sorted()[seconds.count / 2] }
    /// The minimum of the decibels.
    package var leastDecibels: Double { decibels.min() ?? 0 }
  }

  /// One for each precision.
  package let rows: [Row]

  /// Measures.
  ///
  /// - Parameters:
  ///   - precisions: which, in addition to exact, which comes first.
  ///   - requests: what to draw.
  ///   - judge: says whether a picture shows what its prompt says; nil for no accuracy.
  ///   - load: loads the model.
  ///   - onPicture: called for each picture: its number, of how many, and what of model and request had no
  ///     effect; throw to stop.
  /// - Throws: what loading and drawing throw, and `onPicture`.
  package init(
    _ precisions: [Precision], _ requests: [ImageRequest], judge: Judge?,
    load: (Precision) throws -> ImageGenerator, onPicture: (Int, Int, [String]) throws -> Void
  ) throws {
    let all = [.exact] + precisions.filter { $0 != .exact }
    let clock = ContinuousClock()
    var exact: [Picture] = []
    var rows: [Row] = []
    var done = 0
    for precision in all {
      // What the one before left is not this one's.
      BufferPool.shared.drain()
      BufferPool.shared.forgetPeak()
      let start = clock.now
      let generator = try load(precision)
      let loading = start.duration(to: clock.now).seconds
      var (seconds, pictures): ([Double], [Picture]) = ([], [])
      for request in requests {
        let start = clock.now
        let image = try generator.draw(request)
        pictures.append(image.picture)
        seconds.append(start.duration(to: clock.now).seconds)
        done += 1
        try onPicture(
          done, all.count * requests.count,
          generator.notes.filter { $0 != precision.note } + image.notes)
      }
      if precision == .exact { exact = pictures }
      let right = try zip(pictures, requests).compactMap { picture, request -> Bool? in
        guard let judge, judge.canRead(width: picture.width, height: picture.height),
          let prompt = PicturebookPrompt(request.prompt, knowing: judge.config)
        else { return nil }
        return prompt.isShown(by: try judge.read(picture.tensor.scaled(by: 2, plus: -1)))
      }
      rows.append(
        Row(
          precision: precision, loadingSeconds: loading, seconds: seconds,
          peakMemory: BufferPool.shared.peakByteCount,
          decibels: zip(pictures, exact).map { $0.decibels(against: $1) },
          worst: zip(pictures, exact).map { $0.largestDifference(from: $1) }.max() ?? 0,
          accuracy: right.isEmpty
            ? nil : Double(right.count { $0 }) / Double(right.count)))
    }
    self.rows = rows
  }
}
