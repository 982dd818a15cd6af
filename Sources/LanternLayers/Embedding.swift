package import LanternTensor

/// A table of vectors, as `torch.nn.Embedding`.
package struct Embedding: Sendable {
  /// `[count, features]`, as it is stored: it stays in the file, of which few rows are read.
  private let table: Table

  private enum Table: Sendable {
    case elements(Tensor)
    case blocks(StoredTensor)
  }

  /// Takes `weight`, `[count, features]`.
  package init(_ weights: Weights, _ count: Int, _ features: Int) throws(ModelError) {
    if let blocks = try weights.blocks("weight", [count, features]) {
      self.table = .blocks(blocks)
    } else {
      self.table = .elements(try weights.table("weight", [count, features]))
    }
  }

  /// `[ids.count, features]`, f32.
  package func callAsFunction(_ ids: [Int]) throws(TensorError) -> Tensor {
    switch table {
    case .elements(let table): try table.rows(ids).converted(to: .float32)
    case .blocks(let table): try table.rows(ids)
    }
  }
}
