package import LanternTensor

/// A table of vectors, as `torch.nn.Embedding`.
package struct Embedding: Sendable {
  /// `[count, features]`, as it is stored: it stays in the file, of which few rows are read.
  private let table: Tensor

  /// Takes `weight`, `[count, features]`.
  package init(_ weights: Weights, _ count: Int, _ features: Int) throws(ModelError) {
    self.table = try weights.table("weight", [count, features])
  }

  /// `[ids.count, features]`, f32.
  package func callAsFunction(_ ids: [Int]) throws(TensorError) -> Tensor {
    try table.rows(ids).converted(to: .float32)
  }
}
