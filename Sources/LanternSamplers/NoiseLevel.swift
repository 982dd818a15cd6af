#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// How noisy a latent is: `x = alpha · clean + deviation · noise`, with variances that add up to 1.
///
/// The same level counts its noise against a clean latent of its own size as ``sigma``, which is what
/// Karras et al. (2022, arXiv:2206.00364) and the Euler samplers work with: there
/// `x = clean + sigma · noise`, which is this `x` divided by ``alpha``.
public struct NoiseLevel: Sendable, Equatable {
  /// What the model is told; between two of its training steps where a spacing falls there.
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

/// The levels of one run: each step starts at one and aims at the next.
public struct NoisePlan: Sendable, Equatable {
  /// Where each step starts, noisiest first.
  public private(set) var levels: [NoiseLevel]
  /// Where the steps started that were dropped, noisiest first.
  public private(set) var dropped: [NoiseLevel] = []
  /// What each step aims at. The next step's level, but where a reference has it otherwise.
  public private(set) var targets: [NoiseLevel]
  /// What unit noise is multiplied with to begin.
  public let initialScale: Double
  /// Number of steps of the whole plan, those dropped included.
  public let count: Int

  /// A plan of whole steps.
  ///
  /// - Parameters:
  ///   - levels: where each step starts, noisiest first.
  ///   - end: what the last step aims at.
  ///   - targets: what each step aims at; the following level when nil.
  ///   - initialScale: what unit noise is multiplied with to begin.
  public init(
    _ levels: [NoiseLevel], end: NoiseLevel, targets: [NoiseLevel]? = nil, initialScale: Double = 1
  ) {
    self.levels = levels
    self.targets = targets ?? Array(levels.dropFirst()) + [end]
    self.initialScale = initialScale
    count = levels.count
  }

  /// The plan without its first steps, for a start from a picture; it keeps one at least.
  public func dropping(_ steps: Int) -> NoisePlan {
    var rest = self
    let fewer = min(max(steps, 0), max(levels.count - 1, 0))
    rest.dropped += rest.levels.prefix(fewer)
    rest.levels.removeFirst(fewer)
    rest.targets.removeFirst(fewer)
    return rest
  }

  /// The last steps of the plan, as many as change a picture by `strength`: 1 redraws it.
  ///
  /// As in diffusers' `StableDiffusionImg2ImgPipeline`, the product of steps and strength is rounded
  /// down.
  public func suffix(strength: Double) -> NoisePlan {
    dropping(count - Int(Double(count) * min(max(strength, 0), 1)))
  }
}
