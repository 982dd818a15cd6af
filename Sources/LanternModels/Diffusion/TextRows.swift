import LanternLayers
import LanternTensor

/// Keys and values of the texts of a batch, which may be of different lengths: tokens of a picture attend to those of its
/// own text, and not to what fills it up.
struct TextRows: Sendable {
  /// Of all rows where the texts are as long, or of each.
  private let rows: [Attention.KeysAndValues]

  /// - Parameters:
  ///   - texts: `[row, token, feature]` each, of one row or, of as long ones, of all.
  ///   - attention: whose keys and values they become.
  /// - Throws: ``TensorError`` for a wrong shape.
  init(_ texts: [Tensor], _ attention: Attention) throws(TensorError) {
    rows = try texts.map { text throws(TensorError) in try attention.keysAndValues(of: text) }
  }

  /// Attention's heads, side by side, of queries `[row, token, feature]`.
  fileprivate func attended(_ queries: Tensor, _ attention: Attention) throws(TensorError)
    -> Tensor
  {
    if rows.count == 1 { return try attention.attend(queries, to: rows[0]) }
    let parts = try rows.enumerated().map { row, context throws(TensorError) in
      try attention.attend(
        queries.sliced(axis: 0, row..<row + 1).contiguous(), to: context)
    }
    return try Tensor.concatenated(parts, axis: 0)
  }
}

extension Attention {
  /// `residual + attention(x)` to the texts.
  func callAsFunction(_ x: Tensor, to texts: TextRows, residual: consuming Tensor)
    throws(TensorError) -> Tensor
  {
    try project(texts.attended(queries(of: x), self), residual: residual)
  }
}

extension Conditioning {
  /// States of the texts: at once where they are as long, else one by one without what fills them up.
  ///
  /// - Throws: ``TensorError`` where there is no such row.
  func texts() throws(TensorError) -> [Tensor] {
    let rows = states.shape[0]
    guard let lengths, Set(lengths).count > 1 else { return [states] }
    return try (0..<rows).map { row throws(TensorError) in try text(row) }
  }
}
