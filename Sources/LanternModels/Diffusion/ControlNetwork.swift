package import LanternTensor

/// A network that makes a denoiser follow a picture: of the latent, the text and the picture it makes
/// residuals, which are added within the denoiser (ControlNet; Zhang et al. 2023, arXiv:2302.05543).
package protocol ControlNetwork: Sendable {
  /// Channels of its residuals, those of the skip connections and of the middle.
  var residualChannels: [Int] { get }
  /// Features that it takes of ``Conditioning/states``.
  var conditioningFeatures: Int { get }
  /// See ``DenoiserNetwork/pooledFeatures(sizes:)``.
  func pooledFeatures(sizes count: Int) -> Int

  /// The network for one conditioning and one picture, of which what all steps need is computed once.
  ///
  /// - Parameters:
  ///   - conditioning: a row for each of the latents to come.
  ///   - hint: the picture, `[1, height, width, 3]`, 0…1, in the size that is drawn.
  /// - Returns: the network.
  /// - Throws: ``TensorError`` for a wrong shape.
  func conditioned(on conditioning: Conditioning, hint: Tensor) throws(TensorError)
    -> ConditionedControl
}

/// A control network for one conditioning and one picture.
///
/// - Parameters:
///   - latent: `[batch, height, width, input channel]`; channels beyond its own are left out.
///   - timestep: as the denoiser has it.
/// - Returns: its residuals.
/// - Throws: ``TensorError`` for a wrong shape.
package typealias ConditionedControl =
  @Sendable (_ latent: Tensor, _ timestep: Float) throws(TensorError) -> ControlResiduals

/// What is added within a denoiser: to each skip connection, in the order in which they are made, and
/// at last to the middle.
package struct ControlResiduals: Sendable {
  /// `[batch, height, width, channel]` each.
  package let all: [Tensor]

  /// - Parameter all: residuals of the skip connections, and that of the middle.
  package init(_ all: [Tensor]) { self.all = all }

  /// Each changed by `change`, which is given its number.
  package func map(_ change: (Int, Tensor) throws(TensorError) -> Tensor) throws(TensorError)
    -> ControlResiduals
  {
    var changed: [Tensor] = []
    for (index, residual) in all.enumerated() { changed.append(try change(index, residual)) }
    return ControlResiduals(changed)
  }

  /// The sums with another network's.
  package static func + (a: ControlResiduals, b: ControlResiduals) throws(TensorError)
    -> ControlResiduals
  {
    guard a.all.count == b.all.count else {
      throw .shape(op: "residuals", expected: "\(a.all.count) of them", found: [b.all.count])
    }
    return try a.map { index, residual throws(TensorError) in try residual + b.all[index] }
  }
}
