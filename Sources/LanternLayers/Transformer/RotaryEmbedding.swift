import LanternPlatform
package import LanternTensor

/// Positions as angles that queries and keys turn by (Su et al. 2021, arXiv:2104.09864), as
/// transformers' Llama and Phi have it: feature i of a head pairs with feature i + half.
package struct RotaryEmbedding: Sendable {
  private let rates: [Float]

  /// - Parameters:
  ///   - features: how many of a head turn; even.
  ///   - theta: the base of the frequencies, transformers' `rope_theta`.
  package init(features: Int, theta: Float) {
    rates = (0..<features / 2).map { index in
      Float(1 / pow(Double(theta), Double(2 * index) / Double(features)))
    }
  }

  /// Cosines and sines of the angles of some positions, which every layer shares.
  package struct Turn: Sendable {
    fileprivate let cosines: Tensor
    fileprivate let sines: Tensor

    /// Queries or keys `[1, token, head · feature]`, turned.
    package func callAsFunction(_ x: Tensor, heads: Int) throws(TensorError) -> Tensor {
      try x.rotated(heads: heads, cosines: cosines, sines: sines)
    }
  }

  /// The turn of tokens at these positions.
  package func turn(_ positions: some Collection<Int>) throws(TensorError) -> Turn {
    let angles = positions.flatMap { position in rates.map { Double(Float(position) * $0) } }
    let shape = [positions.count, rates.count]
    return Turn(
      cosines: try Tensor(angles.map { Float(cos($0)) }, shape: shape),
      sines: try Tensor(angles.map { Float(sin($0)) }, shape: shape))
  }
}
