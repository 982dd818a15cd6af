/// A sampler over variance-exploding latents, `clean + sigma · noise`: those of k-diffusion (Karras et al.
/// 2022, arXiv:2206.00364).
public protocol SigmaSampler: Sampler {}

extension SigmaSampler {
  /// Latents are `clean + sigma · noise`.
  public var usesSigma: Bool { true }
}

/// A sampler over variance-preserving latents, `alpha · clean + deviation · noise`: those of DDPM (Ho et
/// al. 2020, arXiv:2006.11239).
public protocol UnitVarianceSampler: Sampler {}

extension UnitVarianceSampler {
  /// Latents are of unit variance.
  public var usesSigma: Bool { false }
}
