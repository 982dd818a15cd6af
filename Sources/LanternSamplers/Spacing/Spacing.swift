/// The spacing of noise levels (timestep spacing or sigma schedule), independent of the sampler.
public enum Spacing: String, Sendable, CaseIterable {
  /// Timesteps by `timestep_spacing` of the model's configuration, without its curve of sigmas.
  case discrete
  /// Timesteps at a stride, counted from the clean end.
  case leading
  /// From the first timestep to the last, both included.
  case linspace
  /// Timesteps at a stride, counted from the noisy end: the first is pure noise.
  case trailing
  /// Karras et al. 2022, arXiv:2206.00364, equation 5, with ρ = 7.
  case karras
  /// Even in the logarithm of sigma.
  case exponential
  /// k-diffusion's polynomial in the logarithm of sigma, with ρ = 2.
  case polyexponential
  /// Quantiles of the beta distribution (Lee et al. 2024, arXiv:2407.12173), with α = β = 0.6.
  case beta
  /// Even in the angle whose tangent is sigma: least divergence for normally distributed data
  /// (Sabour et al. 2024, arXiv:2404.14507, section 3).
  case klOptimal = "kl_optimal"
  /// Training sigmas at a stride, from the noisiest.
  case simple
  /// Even timesteps, of which the last, the clean end, is left out (Stability AI's generative-models).
  case sgmUniform = "sgm_uniform"
  /// Align Your Steps (Sabour et al. 2024, arXiv:2404.14507): the table for Stable Diffusion 1.5.
  case alignYourSteps = "ays"

  /// What it is good for.
  public var summary: String {
    switch self {
    case .discrete: "the spacing of the model's folder"
    case .leading: "every so many-th timestep from the clean end; Stable Diffusion's own"
    case .linspace: "from the first timestep to the last"
    case .trailing: "every so many-th from the noisy end; for few steps, and for zero terminal SNR"
    case .karras: "more steps where there is little noise; crisp with 10 to 30"
    case .exponential: "even in the logarithm of the noise"
    case .polyexponential: "as exponential, with more steps at the clean end"
    case .beta: "more steps at both ends"
    case .klOptimal: "even in the angle whose tangent is the noise; good with 5 to 20"
    case .simple: "every so many-th training step from the noisy end"
    case .sgmUniform: "even timesteps without the clean end; for distilled models"
    case .alignYourSteps: "optimised for 10 steps of Stable Diffusion 1.5"
    }
  }
}

/// The convention of noise levels, where diffusers and k-diffusion differ.
public enum Convention: String, Sendable, CaseIterable {
  /// Diffusers': sigma between training steps by linear interpolation; curves between the first and
  /// last step, or the ends of the schedule, by the sampler's class.
  case diffusers
  /// k-diffusion's, and that of programs derived from it: the logarithm of sigma is interpolated,
  /// curves span the whole schedule, every sampler has the same levels and ends at no noise.
  case kDiffusion = "kdiffusion"
}
