package import LanternTensor

/// A table of vectors, as `torch.nn.Embedding`.
package struct Embedding: Sendable {
  /// `[count, features]`, f32.
  package let table: Tensor

  /// Takes `weight`, `[count, features]`.
  package init(_ weights: Weights, _ count: Int, _ features: Int) throws(ModelError) {
    self.table = try weights.tensor("weight", [count, features])
  }

  /// `[ids.count, features]`.
  package func callAsFunction(_ ids: [Int]) throws(TensorError) -> Tensor { try table.rows(ids) }
}
