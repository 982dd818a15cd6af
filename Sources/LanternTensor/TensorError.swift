/// What can go wrong in a tensor operation. Cases carry facts; ``description`` puts them in a line.
public enum TensorError: Error, Sendable, Equatable {
  /// An operand's shape does not fit; `expected` names axes, with `_` for any size.
  case shape(op: String, expected: String, found: [Int])
  /// An operand's element type does not fit.
  case dtype(op: String, expected: String, found: DType)
  /// An axis outside the tensor's rank.
  case axis(op: String, axis: Int, rank: Int)
  /// A range or index outside an axis.
  case range(op: String, found: Range<Int>, size: Int)
  /// A shape with a negative size, or with more elements than memory has addresses.
  case size(shape: [Int])
  /// The system has no memory left for a buffer.
  case outOfMemory(byteCount: Int)
}

extension TensorError: CustomStringConvertible {
  /// One line: which operation, what it wanted, what it got.
  public var description: String {
    switch self {
    case .shape(let op, let expected, let found): "\(op): expected shape \(expected), got \(found)"
    case .dtype(let op, let expected, let found):
      "\(op): expected elements of type \(expected), got \(found.rawValue)"
    case .axis(let op, let axis, let rank): "\(op): no axis \(axis) in a tensor of rank \(rank)"
    case .range(let op, let found, let size):
      "\(op): \(found.lowerBound)..<\(found.upperBound) lies outside 0..<\(size)"
    case .size(let shape): "a tensor of shape \(shape) cannot exist"
    case .outOfMemory(let byteCount):
      "out of memory: no room for \(byteCount / 1_048_576 + 1) MiB more"
    }
  }
}
