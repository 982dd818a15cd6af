import Foundation
package import Testing

/// Records an issue unless work grows with its input and not with the square of it: four times as
/// much may take at most eight times as long, of this thread's processor.
///
/// - Parameters:
///   - count: how much input to begin with, enough for some milliseconds.
///   - comment: what it is.
///   - sourceLocation: of the test.
///   - body: does the work for so much input.
/// - Throws: what `body` throws.
package func expectLinear<Failure: Error>(
  _ count: Int, _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (Int) throws(Failure) -> Void
) throws(Failure) {
  var ratios: [Double] = []
  // Other work on the machine disturbs even a processor's own time.
  for _ in 0..<3 {
    let little = try processorSeconds { () throws(Failure) in try body(count) }
    let much = try processorSeconds { () throws(Failure) in try body(4 * count) }
    ratios.append(much / max(little, 0.002))
    if much < 8 * max(little, 0.002) { return }
  }
  Issue.record(
    "\(comment) four times as much took \(ratios.map { String(format: "%.1f", $0) }) times as long",
    sourceLocation: sourceLocation)
}

private func processorSeconds<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure)
  -> Double
{
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
  let start = now()
  try body()
  return now() - start
}
