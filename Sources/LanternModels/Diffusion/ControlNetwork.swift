package import LanternTensor

/// A network that makes a denoiser follow a picture: of the latent, the text and the picture it makes
/// residuals, which are added within the denoiser (ControlNet; Zhang et al. 2023, arXiv:2302.05543).
package protocol ControlNetwork: Sendable {
  /// Channels of its residuals of the skip connections and of the middle; empty where it makes none.
  var residualChannels: [Int] { get }
  /// Its residuals of the blocks on the way down; empty where it makes none.
  var blockResiduals: [BlockResidual] { get }
  /// Features that it takes of ``Conditioning/states``; 0 where it takes no text.
  var conditioningFeatures: Int { get }
  /// Channels that it takes of a picture: 3, or 1 of a grey one.
  var hintChannels: Int { get }
  /// The number of pixels that a picture's sides must be multiples of.
  var hintUnit: Int { get }
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

extension ControlNetwork {
  package var blockResiduals: [BlockResidual] { [] }
  package var hintChannels: Int { 3 }
  package var hintUnit: Int { 1 }
}

/// A place in a denoiser where a residual is added, or a residual for it: behind the layers of a block on the
/// way down, or behind the middle.
package struct BlockResidual: Sendable, Equatable {
  package let channels: Int
  /// Pixels a side that one of its positions stands for; in a denoiser latents.
  package var downsampling: Int
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

/// What is added within a denoiser.
package struct ControlResiduals: Sendable {
  /// Residuals of the skip connections, in the order in which they are made, and at last that of the middle,
  /// `[batch, height, width, channel]` each: a ControlNet's. Empty for none.
  package var skips: [Tensor]
  /// Residuals behind the layers of each block on the way down and behind the middle: a T2I-Adapter's, where
  /// diffusers has `down_intrablock_additional_residuals`. Empty for none.
  package var blocks: [Tensor]

  package init(skips: [Tensor] = [], blocks: [Tensor] = []) {
    (self.skips, self.blocks) = (skips, blocks)
  }

  /// The sums with another network's.
  package static func + (a: ControlResiduals, b: ControlResiduals) throws(TensorError)
    -> ControlResiduals
  {
    ControlResiduals(skips: try sum(a.skips, b.skips), blocks: try sum(a.blocks, b.blocks))
  }

  /// Sums one by one; where one side has none, the other's.
  static func sum(_ a: [Tensor], _ b: [Tensor]) throws(TensorError) -> [Tensor] {
    if a.isEmpty || b.isEmpty { return a + b }
    guard a.count == b.count else {
      throw .shape(op: "residuals", expected: "\(a.count) of them", found: [b.count])
    }
    return try zip(a, b).map { a, b throws(TensorError) in try a + b }
  }
}
