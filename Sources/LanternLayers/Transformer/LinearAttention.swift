package import LanternTensor

/// Attention without softmax, whose cost grows with the tokens and not with their square: ReLU is what makes queries and
/// keys comparable (Katharopoulos et al. 2020, arXiv:2006.16236; Cai et al. 2022, arXiv:2205.14756).
package enum LinearAttention {
  private static let eps: Float = 1e-15

  /// `q · (kᵀ · v)`, divided by `q · (kᵀ · 1)`, of each head.
  ///
  /// - Parameters:
  ///   - queries: `[batch, token, head · feature]`.
  ///   - keys: the same shape.
  ///   - values: the same shape.
  ///   - heads: how many.
  /// - Returns: the same shape.
  /// - Throws: ``TensorError`` for a wrong shape.
  package static func attend(_ queries: Tensor, _ keys: Tensor, _ values: Tensor, heads: Int)
    throws(TensorError) -> Tensor
  {
    let (count, size) = (queries.shape[1], queries.shape[2] / heads)
    let (q, k) = (try queries.applying(.relu), try keys.applying(.relu))
    let ones = try Tensor(repeating: 1, shape: [count, 1])
    let rows = try (0..<queries.shape[0]).map { row throws(TensorError) in
      let parts = try (0..<heads).map { head throws(TensorError) in
        func part(_ x: Tensor) throws(TensorError) -> Tensor {
          try x.sliced(axis: 0, row..<row + 1).sliced(axis: 2, head * size..<(head + 1) * size)
            .contiguous().reshaped([count, size])
        }
        let counted = try Tensor.concatenated([part(values), ones], axis: 1)
        let sums = try part(q).matmul(part(k).transposed(0, 1).matmul(counted))
        let found = try sums.sliced(axis: 1, 0..<size).contiguous()
        let weight = try sums.sliced(axis: 1, size..<size + 1).contiguous()
        return try found / weight.scaled(by: 1, plus: eps)
      }
      return try Tensor.concatenated(parts, axis: 1).reshaped([1, count, heads * size])
    }
    return try Tensor.concatenated(rows, axis: 0)
  }
}
