import LanternPlatform
package import LanternTensor

/// T5's relative position bias (Raffel et al. 2020, arXiv:1910.10683, section 2.1): distances between keys and queries
/// fall into buckets, and each has a number for every head, which is added to attention's scores.
package struct RelativePositionBias: Sendable {
  /// `[bucket, head]`.
  private let values: [Float]
  private let heads: Int
  private let buckets: Int
  private let maximumDistance: Int
  private let isBidirectional: Bool

  /// Takes `weight`, `[buckets, heads]`.
  ///
  /// - Parameters:
  ///   - weights: where it is.
  ///   - heads: of attention.
  ///   - buckets: at least 4 where it is bidirectional, 2 otherwise.
  ///   - maximumDistance: from which on all distances share a bucket; more than the buckets.
  ///   - isBidirectional: whether keys behind a query have buckets of their own.
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package init(
    _ weights: Weights, heads: Int, buckets: Int, maximumDistance: Int, isBidirectional: Bool
  ) throws(ModelError) {
    let table = try weights.tensor("weight", [buckets, heads])
    do {
      values = try table.floats()
    } catch {
      throw .tensor(error)
    }
    (self.heads, self.buckets) = (heads, buckets)
    (self.maximumDistance, self.isBidirectional) = (maximumDistance, isBidirectional)
  }

  /// The bucket of a key that is so many tokens behind its query, before it where the number is negative.
  package static func bucket(
    of distance: Int, buckets: Int, maximumDistance: Int, isBidirectional: Bool
  ) -> Int {
    guard isBidirectional else { return bucket(max(0, -distance), buckets, maximumDistance) }
    let half = buckets / 2
    return bucket(abs(distance), half, maximumDistance) + (distance > 0 ? half : 0)
  }

  /// One bucket for each distance up to half of them, the others of logarithmic widths; in f32, as transformers has it,
  /// for the borders depend on rounding.
  private static func bucket(_ distance: Int, _ buckets: Int, _ maximumDistance: Int) -> Int {
    let exact = buckets / 2
    guard distance >= exact else { return distance }
    let width = Float(log(Double(maximumDistance) / Double(exact)))
    let share = log(Float(distance) / Float(exact)) / width
    return min(buckets - 1, exact + Int(share * Float(buckets - exact)))
  }

  /// The biases of texts of up to so many tokens.
  ///
  /// - Throws: ``TensorError`` for no memory.
  package func callAsFunction(tokens: Int) throws(TensorError) -> RelativeBias {
    let columns = (1 - tokens..<tokens).map {
      Self.bucket(
        of: $0, buckets: buckets, maximumDistance: maximumDistance,
        isBidirectional: isBidirectional) * heads
    }
    let table = (0..<heads).flatMap { head in columns.map { values[$0 + head] } }
    return RelativeBias(try Tensor(table, shape: [heads, columns.count]), origin: tokens - 1)
  }
}
