package import LanternLayers
package import LanternTensor

/// A denoiser: predicts from a noisy latent the noise, the velocity or the clean latent.
package protocol DenoiserNetwork: Sendable {
  /// The geometry of its latents.
  var geometry: LatentGeometry { get }
  /// Features that it takes of ``Conditioning/states``.
  var conditioningFeatures: Int { get }
  /// Whether it takes the strength of guidance as an input, and is evaluated with the prompt alone: it was
  /// distilled from a guided one (Meng et al. 2022, arXiv:2210.03142).
  var embedsGuidance: Bool { get }

  /// Features that it takes of ``Conditioning/pooled``; 0 where it takes none.
  ///
  /// - Parameter count: numbers of a row in ``Conditioning/sizes``.
  /// - Returns: features.
  func pooledFeatures(sizes count: Int) -> Int

  /// Channels of the residuals that it takes, see ``ControlResiduals/skips``; empty where it takes none.
  var residualChannels: [Int] { get }
  /// Where it takes residuals on the way down and, last, in the middle, see ``ControlResiduals/blocks``;
  /// empty where it takes none.
  var blockResiduals: [BlockResidual] { get }

  /// Channels of each attention to the text, in diffusers' order: on the way down, on the way up, and in the
  /// middle. Empty where it takes no pictures in addition to the text.
  var crossAttentionChannels: [Int] { get }

  /// The network for one conditioning, of which what all steps need is computed once.
  ///
  /// - Parameters:
  ///   - conditioning: a row for each of the latents to come.
  ///   - caching: how features are reused from one evaluation of this network to the next; nil for none.
  /// - Returns: the network.
  /// - Throws: ``TensorError`` for a wrong shape.
  func conditioned(on conditioning: Conditioning, caching: StepCache?) throws(TensorError)
    -> ConditionedDenoiser
}

extension DenoiserNetwork {
  /// The network for one conditioning, whole in every evaluation; see ``conditioned(on:caching:)``.
  package func conditioned(on conditioning: Conditioning) throws(TensorError) -> ConditionedDenoiser
  {
    try conditioned(on: conditioning, caching: nil)
  }
}

extension DenoiserNetwork {
  package var residualChannels: [Int] { [] }
  package var crossAttentionChannels: [Int] { [] }
  package var blockResiduals: [BlockResidual] { [] }
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

/// The geometry of the latents that a denoiser works on; how many pixels one stands for is ``LatentCodec/downsampling``.
package struct LatentGeometry: Sendable {
  /// Channels of its input: more than of its output where a mask and a masked picture are concatenated.
  package let inputChannels: Int
  /// Channels of its output.
  package let outputChannels: Int
  /// Size in latents that it was trained on.
  package let width: Int
  /// See ``width``.
  package let height: Int
  /// Latents a side that make one token; sizes are multiples of it.
  package var patchSize = 1
}
