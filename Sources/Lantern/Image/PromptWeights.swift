package import LanternTensor

extension Tensor {
  /// Multiplies the embedding of each token by its weight, then all of them by one number that
  /// gives them back their mean.
  ///
  /// Equals stable-diffusion-webui's emphasis "Original". Where the mean afterwards is zero or not
  /// finite, only the weights apply.
  ///
  /// - Parameter weights: one for each token; `self` is `[batch, token, feature]`, f32.
  /// - Returns: the shape of `self`; `self` itself where all weights are 1.
  /// - Throws: ``TensorError/shape(op:expected:found:)`` when there are more or fewer weights than
  ///   tokens.
  package func weighted(by weights: [Float]) throws(TensorError) -> Tensor {
    guard shape.count == 3, shape[1] == weights.count else {
      throw .shape(op: "weighted", expected: "[_, \(weights.count), _]", found: shape)
    }
    if weights.allSatisfy({ $0 == 1 }) { return self }
    let result = try self * Tensor(weights, shape: [weights.count, 1])
    let ratio = try Self.mean(of: self) / Self.mean(of: result)
    return ratio.isFinite ? try result * Float(ratio) : result
  }

  private static func mean(of x: Tensor) throws(TensorError) -> Double {
    let values = try x.floats()
    return values.reduce(0) { $0 + Double($1) } / Double(values.count)
  }
}
