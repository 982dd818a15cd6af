import LanternFormats
import LanternTensor

/// A comparison of two traces: the first tensor that differs, and by how much.
package struct TraceComparison {
  /// How far a part of one trace is from the other's.
  package struct Difference: Equatable {
    /// The tensor, and the step of the latents.
    package let name: String
    /// The largest difference of two elements, against the root mean square of the second's.
    package let largest: Double
    /// The root mean square of all differences, against the same.
    package let typical: Double
  }

  /// Every part, in the order in which a run makes them.
  package let differences: [Difference]
  /// Names that only one of both has.
  package let unmatched: [String]

  /// The order in which a run makes its tensors.
  private static let order = [
    "prompt_embeds", "negative_prompt_embeds", "noise", "initial_latents", "latents", "image",
  ]

  /// Compares two files that `--trace` or a program like `tools/parity/parity.py` wrote.
  ///
  /// - Throws: ``FormatError`` for a damaged file, ``TensorError`` for tensors that are no numbers.
  package init(_ first: String, _ second: String) throws {
    let files = [try SafetensorsFile(first), try SafetensorsFile(second)]
    let names = files.map { Set($0.names) }
    let known = Self.order + names[0].union(names[1]).subtracting(Self.order).sorted()
    unmatched = known.filter { names[0].contains($0) != names[1].contains($0) }
    var found: [Difference] = []
    for name in known where names[0].contains(name) && names[1].contains(name) {
      guard let a = try files[0].tensor(name), let b = try files[1].tensor(name) else { continue }
      guard a.shape == b.shape else {
        if name == "latents", let (one, other) = Self.steps(a, b) {
          throw RequestError.mismatch(
            reason: "is of \(other) steps, and \(first) of \(one): give traces of as many steps",
            path: second)
        }
        throw RequestError.mismatch(
          reason: "\(name) has the shape \(b.shape), and in \(first) \(a.shape): give traces of "
            + "one size",
          path: second)
      }
      guard name == "latents", let steps = a.shape.first else {
        found.append(try Self.difference(name, a, b))
        continue
      }
      for step in 0..<steps {
        let part = step..<step + 1
        found.append(
          try Self.difference(
            "latents after step \(step + 1)", a.sliced(axis: 0, part), b.sliced(axis: 0, part)))
      }
    }
    differences = found
  }

  /// The numbers of steps of two tensors of latents, where nothing else is different.
  private static func steps(_ a: Tensor, _ b: Tensor) -> (Int, Int)? {
    guard a.shape.dropFirst() == b.shape.dropFirst(), let one = a.shape.first,
      let other = b.shape.first
    else { return nil }
    return (one, other)
  }

  /// The first part that differs by more than a tolerance; one that is not a number always does.
  package func first(beyond tolerance: Double) -> Difference? {
    differences.first { !($0.largest <= tolerance) }
  }

  private static func difference(_ name: String, _ a: Tensor, _ b: Tensor) throws -> Difference {
    let pairs = zip(try a.floats(), try b.floats()).map { (Double($0), Double($1)) }
    let count = Double(max(pairs.count, 1))
    let scale = (pairs.reduce(0) { $0 + $1.1 * $1.1 } / count).squareRoot()
    // Elements that are equal do not differ, be they infinite.
    let apart = pairs.map { $0.0 == $0.1 ? 0 : abs($0.0 - $0.1) }
    // A maximum of numbers forgets NaN; a sum does not.
    let squares = apart.reduce(0) { $0 + $1 * $1 }
    let largest = squares.isNaN ? Double.nan : apart.max() ?? 0
    func share(_ value: Double) -> Double { value == 0 ? 0 : value / max(scale, 1e-30) }
    return Difference(
      name: name, largest: share(largest), typical: share((squares / count).squareRoot()))
  }
}
