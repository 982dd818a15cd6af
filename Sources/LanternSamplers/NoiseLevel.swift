import LanternPlatform
import LanternTensor

/// The noise level of a latent: `x = alpha · clean + deviation · noise`, with variances that add up to 1.
///
/// ``sigma`` is the same level as a ratio of noise to clean latent, which Karras et al. (2022,
/// arXiv:2206.00364) and the Euler samplers work with: there `x = clean + sigma · noise`, which is the `x`
/// above divided by ``alpha``.
public struct NoiseLevel: Sendable, Equatable {
  /// The timestep that is passed to the model; not an integer where it lies between two training steps.
  public var timestep: Float
  /// The share of the clean latent in the variance, ᾱ of Ho et al. (2020, arXiv:2006.11239).
  public var alphaBar: Double

  /// A level by its share of the clean latent.
  public init(timestep: Float, alphaBar: Double) {
    self.timestep = timestep
    self.alphaBar = alphaBar
  }

  /// A level by its ratio of noise to clean latent.
  public init(timestep: Float, sigma: Double) {
    self.init(timestep: timestep, alphaBar: 1 / (sigma * sigma + 1))
  }

  /// Factor of the clean latent.
  public var alpha: Double { alphaBar.squareRoot() }
  /// Factor of the noise.
  public var deviation: Double { (1 - alphaBar).squareRoot() }
  /// ``deviation`` over ``alpha``.
  public var sigma: Double { ((1 - alphaBar) / alphaBar).squareRoot() }
  /// Minus the logarithm of ``sigma``: half of the logarithm of the signal-to-noise ratio, infinite
  /// without noise. Solvers of the DPM family take steps in it.
  public var lambda: Double { -log(sigma) }

  /// No noise at all.
  public static let clean = NoiseLevel(timestep: 0, alphaBar: 1)
}

extension NoiseLevel {
  /// The clean latent in a latent of unit variance, given its noise.
  func clean(of x: Tensor, noise: Tensor) throws(TensorError) -> Tensor {
    try (x - noise * Float(deviation)) * Float(1 / max(alpha, 0x1p-12))
  }

  /// The time 0…1 of a flow at which its straight path has this signal-to-noise ratio: the share of noise.
  var flowTime: Double { deviation / (alpha + deviation) }

  /// Factor that takes a latent of unit variance to the straight path of a flow.
  var flowScale: Double { 1 / (alpha + deviation) }
}
