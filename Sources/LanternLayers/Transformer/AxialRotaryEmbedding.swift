import LanternPlatform
package import LanternTensor

/// Positions on several axes as angles: each axis turns pairs of a head's features of its own, 2i and 2i + 1, as FLUX has
/// it after RoPE (Su et al. 2021, arXiv:2104.09864).
package struct AxialRotaryEmbedding: Sendable {
  /// Radians that each pair turns by from one position to the next, for each axis.
  private let frequencies: [[Double]]
  private let roundsAngles: Bool

  /// - Parameters:
  ///   - axes: features of a head that turn by each axis, even numbers.
  ///   - theta: the base: the slowest pair's wavelength over 2π, about.
  ///   - roundsAngles: whether angles are rounded to f32, as Z-Image's are, before their sines are taken; f64 otherwise.
  package init(axes: [Int], theta: Double, roundsAngles: Bool = false) {
    self.roundsAngles = roundsAngles
    frequencies = axes.map { features in
      (0..<features / 2).map { 1 / pow(theta, Double(2 * $0) / Double(features)) }
    }
  }

  /// The turn of tokens.
  ///
  /// - Parameter positions: for each token a position on each axis.
  /// - Returns: the turn of a head's first features, as many as the axes have.
  /// - Throws: ``TensorError`` for no memory.
  package func turn(_ positions: [[Int]]) throws(TensorError) -> RotaryEmbedding.Turn {
    let pairs = frequencies.map(\.count).reduce(0, +)
    var (cosines, sines): ([Float], [Float]) = ([], [])
    cosines.reserveCapacity(positions.count * pairs)
    sines.reserveCapacity(positions.count * pairs)
    for token in positions {
      for (position, frequencies) in zip(token, frequencies) {
        for frequency in frequencies {
          let exact = Double(position) * frequency
          let angle = roundsAngles ? Double(Float(exact)) : exact
          cosines.append(Float(cos(angle)))
          sines.append(Float(sin(angle)))
        }
      }
    }
    let shape = [positions.count, pairs]
    return RotaryEmbedding.Turn(
      cosines: try Tensor(cosines, shape: shape), sines: try Tensor(sines, shape: shape),
      isInterleaved: true)
  }
}
