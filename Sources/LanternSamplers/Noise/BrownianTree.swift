import LanternPlatform
import LanternTensor

/// A virtual Brownian tree: Brownian motion between two times that depends on the seed alone, whatever
/// intervals are queried and in whatever order (Li et al. 2020, arXiv:2001.01328, section 4). The value at
/// an interval's midpoint is drawn given its ends.
///
/// Equal to torchsde's `BrownianInterval` with `halfway_tree`, a tolerance of 1e-6 and a pool of 24
/// words.
struct BrownianTree {
  private let seed: UInt64
  /// `[batch, height, width, channel]` of each increment.
  private let shape: [Int]
  private let ends: ClosedRange<Double>
  /// The motion over the whole interval.
  private let whole: Tensor
  /// Cache of the increments over left halves, as of the last query: the next is nearby.
  private var halves: [Node: Tensor] = [:]

  /// Motion over an interval of positive length.
  ///
  /// - Throws: ``TensorError`` for an impossible shape.
  init(seed: UInt64, over ends: ClosedRange<Double>, shape: [Int]) throws(TensorError) {
    (self.seed, self.shape) = (seed, shape)
    self.ends = Self.rounded(ends.lowerBound)...Self.rounded(ends.upperBound)
    let words = SeedSequence(entropy: seed).words(1)
    whole =
      try Self.normal(words[0], shape)
      * Float((ends.upperBound - ends.lowerBound).squareRoot())
  }

  /// The increment between two times, divided by the root of their difference: a standard normal number
  /// for each element; zeros where the times are equal to within the tolerance.
  ///
  /// - Throws: ``TensorError``.
  mutating func noise(from start: Double, to end: Double) throws(TensorError) -> Tensor {
    let (low, high) = (min(start, end), max(start, end))
    let bounds = (Self.rounded(bounded(low)), Self.rounded(bounded(high)))
    guard bounds.0 < bounds.1 else { return try Tensor(repeating: 0, shape: shape) }
    var parts: [Tensor] = []
    var visited: [Node: Tensor] = [:]
    try collect(Node(start: ends.lowerBound, end: ends.upperBound), whole, bounds, &parts, &visited)
    halves = visited
    var sum = parts.first ?? whole
    for part in parts.dropFirst() { sum = try sum + part }
    return try sum * Float((start < end ? 1 : -1) / (high - low).squareRoot())
  }

  private func bounded(_ time: Double) -> Double {
    min(max(time, ends.lowerBound), ends.upperBound)
  }

  /// An interval of the tree; its key has a bit for each right child on the path to it.
  private struct Node: Hashable {
    let start: Double
    let end: Double
    var key: UInt64 = 0
    var depth: UInt64 = 0
  }

  /// Collects the increments over the intervals that make up `bounds`, from left to right.
  private func collect(
    _ node: Node, _ motion: Tensor, _ bounds: (Double, Double), _ parts: inout [Tensor],
    _ visited: inout [Node: Tensor]
  ) throws(TensorError) {
    let isWhole = bounds.0 <= node.start && bounds.1 >= node.end
    let middle = Self.rounded(0.5 * (node.start + node.end))
    // An interval below the tolerance is not divided.
    guard !isWhole, node.depth < 63, middle > node.start, middle < node.end else {
      parts.append(motion)
      return
    }
    let known = halves[node]
    let left = if let known { known } else { try leftHalf(of: node, motion, middle) }
    visited[node] = left
    let (key, depth) = (2 * node.key, node.depth + 1)
    if bounds.0 < middle {
      try collect(
        Node(start: node.start, end: middle, key: key, depth: depth), left,
        (bounds.0, min(bounds.1, middle)), &parts, &visited)
    }
    if bounds.1 > middle {
      try collect(
        Node(start: middle, end: node.end, key: key + 1, depth: depth), motion - left,
        (max(bounds.0, middle), bounds.1), &parts, &visited)
    }
  }

  /// The motion from an interval's start to its middle.
  private func leftHalf(of node: Node, _ motion: Tensor, _ middle: Double) throws(TensorError)
    -> Tensor
  {
    let words = SeedSequence(entropy: seed, key: [node.key, node.depth]).words(1)
    let (before, after) = (middle - node.start, node.end - middle)
    let share = 1 / (node.end - node.start)
    return try motion * Float(before * share)
      + Self.normal(words[0], shape) * Float((before * after * share).squareRoot())
  }

  private static func normal(_ seed: UInt32, _ shape: [Int]) throws(TensorError) -> Tensor {
    var source = NoiseSource(seed: UInt64(seed))
    return try source.normal(shape)
  }

  /// A number rounded to six decimals, ties of its exact value to even: Python's `round(number, 6)`.
  static func rounded(_ number: Double) -> Double {
    let scaled = number * 1e6
    // The exact product is `scaled + error`.
    let error = (-scaled).addingProduct(number, 1e6)
    let floor = scaled.rounded(.down)
    let rest = (scaled - floor) - 0.5
    let isUp =
      rest + error > 0 || rest + error == 0 && floor.truncatingRemainder(dividingBy: 2) != 0
    return (isUp ? floor + 1 : floor) / 1e6
  }
}
