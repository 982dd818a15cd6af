package import LanternTensor

/// A network that predicts, from a noisy latent, what a sampler is to take away from it.
package protocol DenoiserNetwork: Sendable {
  /// The latents that it works on.
  var geometry: LatentGeometry { get }
  /// Features that it takes of ``Conditioning/states``.
  var conditioningFeatures: Int { get }
  /// Features that it takes of ``Conditioning/pooled``; 0 where it takes none.
  var pooledFeatures: Int { get }

  /// The network for one conditioning, of which what all steps need is computed once.
  ///
  /// - Parameter conditioning: a row for each of the latents to come.
  /// - Returns: the network.
  /// - Throws: ``TensorError`` for a wrong shape.
  func conditioned(on conditioning: Conditioning) throws(TensorError) -> ConditionedDenoiser
}

/// A denoiser for one conditioning.
///
/// - Parameters:
///   - latent: `[batch, height, width, input channel]`.
///   - timestep: between 0 and the number of training steps; may be fractional.
/// - Returns: `[batch, height, width, output channel]`.
/// - Throws: ``TensorError`` for a wrong shape.
package typealias ConditionedDenoiser =
  @Sendable (_ latent: Tensor, _ timestep: Float) throws(TensorError) -> Tensor

/// The latents that a denoiser works on; how many pixels one stands for is ``LatentCodec/downsampling``.
package struct LatentGeometry: Sendable {
  /// Channels of what it is given: more than it predicts where it is shown a mask and a masked picture.
  package let inputChannels: Int
  /// Channels of what it predicts.
  package let outputChannels: Int
  /// Size in latents that it was trained on.
  package let width: Int
  /// See ``width``.
  package let height: Int
}
