package import LanternTensor

/// The conditioning of a denoiser by prompts: a row for each picture of its batch.
package struct Conditioning: Sendable {
  /// States of the prompts' tokens, `[row, token, feature]`.
  package var states: Tensor

  /// - Parameter states: `[row, token, feature]`.
  package init(states: Tensor) { self.states = states }

  /// The rows of both, these first.
  ///
  /// - Throws: ``TensorError`` for another number of tokens or features.
  package func joined(with other: Conditioning) throws(TensorError) -> Conditioning {
    Conditioning(states: try Tensor.concatenated([states, other.states], axis: 0))
  }
}
