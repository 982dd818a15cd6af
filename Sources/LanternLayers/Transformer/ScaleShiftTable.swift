package import LanternTensor

/// Scales, shifts and gates of a block: a table of its own, added to what the timestep makes of all blocks (adaLN-single;
/// Chen et al. 2023, arXiv:2310.00426).
package struct ScaleShiftTable: Sendable {
  /// `[1, part · feature]`.
  private let table: Tensor
  private let parts: Int

  /// Takes `scale_shift_table`, `[parts, features]`.
  ///
  /// - Parameters:
  ///   - weights: where it is.
  ///   - features: of a token.
  ///   - parts: 6 of a block, 2 of the model's last norm.
  /// - Throws: ``ModelError`` when it is missing, of another shape, or not finite.
  package init(_ weights: Weights, features: Int, parts: Int) throws(ModelError) {
    self.parts = parts
    let table = try weights.tensor("scale_shift_table", [parts, features])
    do {
      self.table = try table.reshaped([1, parts * features])
    } catch {
      throw .tensor(error)
    }
  }

  /// The vectors of a block, each `[batch, feature]`.
  ///
  /// - Parameter shared: what the timestep makes of all blocks, `[batch, part · feature]`.
  /// - Returns: in the checkpoint's order: shift, scale and gate of attention, then of the feed-forward layer.
  /// - Throws: ``TensorError`` for another shape.
  package func vectors(_ shared: Tensor) throws(TensorError) -> [Tensor] {
    let all = try shared + table
    let size = all.shape[1] / parts
    return try (0..<parts).map { part throws(TensorError) in
      try all.sliced(axis: 1, part * size..<(part + 1) * size).contiguous()
    }
  }

  /// The parts of a block with a table of six; see ``vectors(_:)``.
  package func callAsFunction(_ shared: Tensor) throws(TensorError) -> AdaLayerNormZero.Parts {
    try AdaLayerNormZero.Parts(vectors(shared))
  }

  /// Shift and scale of the last norm with a table of two, to which the timestep's embedding is added twice.
  ///
  /// - Parameter embedding: of the timestep, `[batch, feature]`.
  /// - Returns: both.
  /// - Throws: ``TensorError`` for another shape.
  package func last(_ embedding: Tensor) throws(TensorError) -> Modulation.Part {
    let found = try vectors(Tensor.concatenated([embedding, embedding], axis: 1))
    return Modulation.Part(scale: found[1], shift: found[0])
  }
}
