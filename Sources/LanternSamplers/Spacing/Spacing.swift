/// Ways to space noise levels, independent of the sampler that steps through them.
public enum Spacing: String, Sendable, CaseIterable {
  /// The timesteps that the model's folder asks for, whatever it says of curves.
  case discrete
  /// Every so many-th timestep, counted from the clean end, so that the last steps are alike.
  case leading
  /// From the first timestep to the last, both included.
  case linspace
  /// Every so many-th timestep, counted from the noisy end: the first is pure noise.
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
  /// Every so many-th training sigma, from the noisiest.
  case simple
  /// Even timesteps whose last, the clean end, is left out (Stability AI's generative-models).
  case sgmUniform = "sgm_uniform"
  /// Align Your Steps (Sabour et al. 2024, arXiv:2404.14507): the table for Stable Diffusion 1.5.
  case alignYourSteps = "ays"

  /// What it is good for.
  public var summary: String {
    switch self {
    case .discrete: "what the model's folder asks for"
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

/// Whose conventions levels follow where programs disagree.
public enum Convention: String, Sendable, CaseIterable {
  /// Diffusers': sigma between training steps by linear interpolation; curves between the first and
  /// last step, or the ends of the schedule, as each sampler's class has it.
  case diffusers
  /// k-diffusion's, and that of programs which grew from it: the logarithm of sigma is interpolated,
  /// curves span the whole schedule, every sampler has the same levels and ends at no noise.
  case kDiffusion = "kdiffusion"
}
