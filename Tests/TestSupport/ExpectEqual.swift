import Foundation
package import LanternTensor
package import Testing

/// Records an issue unless two tensors have the same shape and agree element by element.
///
/// The difference of each pair is measured against the larger of the expected element's magnitude
/// and the root mean square of all that is expected, so that elements near zero are held to the
/// scale of their tensor. NaN equals nothing. The issue names the worst index.
///
/// - Returns: the largest difference, so measured.
@discardableResult
package func expectEqual(
  _ found: Tensor, _ expected: Tensor, relative: Float,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) throws -> Float {
  guard found.shape == expected.shape else {
    Issue.record(
      "\(comment()) shape \(found.shape) instead of \(expected.shape)",
      sourceLocation: sourceLocation)
    return .infinity
  }
  let ours = try plainFloats(found)
  let theirs = try plainFloats(expected)
  guard let worst = worstDifference(ours, theirs) else { return 0 }
  if !(worst.difference <= relative) {
    Issue.record(
      """
      \(comment()) \(ours[worst.index]) instead of \(theirs[worst.index]) at \
      \(coordinates(of: worst.index, in: found.shape)): off by \(worst.difference) of the scale, \
      \(relative) allowed
      """, sourceLocation: sourceLocation)
  }
  return worst.difference
}

/// Prints how far something is from its reference, where the environment's `LANTERN_TELL` asks for
/// it.
package func tell(_ name: String, isFrom reference: String, by difference: Float) {
  guard ProcessInfo.processInfo.environment["LANTERN_TELL"] != nil else { return }
  print("\(name) is from \(reference) by \(difference) at most")
}

/// Records an issue unless two lists of numbers agree, as
/// ``expectEqual(_:_:relative:_:sourceLocation:)`` has it for tensors.
package func expectEqual(
  _ found: [Float], _ expected: [Float], relative: Float,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard found.count == expected.count else {
    Issue.record(
      "\(comment()) \(found.count) numbers instead of \(expected.count)",
      sourceLocation: sourceLocation)
    return
  }
  guard let worst = worstDifference(found, expected) else { return }
  if !(worst.difference <= relative) {
    Issue.record(
      """
      \(comment()) \(found[worst.index]) instead of \(expected[worst.index]) at \(worst.index): \
      off by \(worst.difference) of the scale, \(relative) allowed
      """, sourceLocation: sourceLocation)
  }
}

private func plainFloats(_ tensor: Tensor) throws -> [Float] {
  tensor.dtype == .int32 ? try tensor.integers().map(Float.init) : try tensor.floats()
}

/// Where two lists of one length differ most, as a share of the scale; NaN counts as infinitely
/// far.
private func worstDifference(_ found: [Float], _ expected: [Float]) -> (
  index: Int, difference: Float
)? {
  let squares = expected.reduce(0.0) { $0 + ($1.isFinite ? Double($1) * Double($1) : 0) }
  let scale = Float((squares / Double(max(expected.count, 1))).squareRoot())
  var worst: (index: Int, difference: Float)?
  for index in found.indices {
    let (ours, theirs) = (found[index], expected[index])
    let difference: Float =
      if ours == theirs {
        0
      } else if ours.isFinite, theirs.isFinite {
        abs(ours - theirs) / max(abs(theirs), scale, .leastNormalMagnitude)
      } else {
        .infinity
      }
    if difference > worst?.difference ?? -1 { worst = (index, difference) }
  }
  return worst
}

private func coordinates(of index: Int, in shape: [Int]) -> [Int] {
  var rest = index
  var result = shape
  for axis in shape.indices.reversed() {
    result[axis] = rest % max(shape[axis], 1)
    rest /= max(shape[axis], 1)
  }
  return result
}
