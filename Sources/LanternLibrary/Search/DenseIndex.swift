package import LanternTensor

/// The vectors of all passages in memory, packed for exact search: one product of a matrix and a vector.
package struct DenseIndex: Sendable {
  /// Passages, in the order of the matrix' rows.
  package let ids: [Int64]
  /// `[passage, feature]`, f32; nil for none.
  private let matrix: PackedMatrix?

  /// - Parameters:
  ///   - ids: passages.
  ///   - values: their vectors, one after the other.
  ///   - features: of each.
  /// - Throws: `TensorError` where numbers do not match, or for want of memory.
  package init(ids: [Int64], values: [Float], features: Int) throws(TensorError) {
    self.ids = ids
    let all = try Tensor(values, shape: [ids.count, features])
    matrix = ids.isEmpty ? nil : try PackedMatrix(all)
  }

  /// The inner products of a vector with those of all passages, in the order of ``ids``; cosines where vectors are of
  /// length 1.
  ///
  /// - Throws: `TensorError` for a vector of another length.
  package func products(with vector: [Float]) throws(TensorError) -> [Float] {
    guard let matrix else { return [] }
    return try Tensor(vector, shape: [1, vector.count]).linear(matrix).floats()
  }

  /// The passages with the largest products.
  ///
  /// - Parameters:
  ///   - vector: what is looked for.
  ///   - top: how many at most.
  /// - Returns: passages, best first; of equal ones the smaller id.
  /// - Throws: as ``products(with:)``.
  package func nearest(to vector: [Float], top: Int) throws(TensorError) -> [(
    id: Int64, score: Double
  )] {
    let all = try products(with: vector)
    // A heap's work without one: what is below the worst of those kept so far is passed over.
    var best: [(id: Int64, score: Float)] = []
    var floor = -Float.infinity
    func cut() {
      best.sort { ($1.score, $0.id) < ($0.score, $1.id) }
      best.removeLast(max(0, best.count - top))
      if best.count == top, let last = best.last { floor = last.score }
    }
    for (index, score) in all.enumerated() where score >= floor {
      best.append((ids[index], score))
      if best.count >= 2 * top + 64 { cut() }
    }
    cut()
    return best.map { ($0.id, Double($0.score)) }
  }
}
