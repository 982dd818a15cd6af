import LanternTensor

/// Steps over latents `clean + sigma · noise` that solvers share.
extension NoiseLevel {
  /// The denoised latent, of a noisy one `clean + sigma · noise`: one evaluation of the model.
  func denoised(_ x: Tensor, with denoise: Denoise) throws -> Tensor {
    try denoise(x * Float(alpha), self).clean
  }

  /// The derivative in sigma of the probability-flow ODE (Karras et al. 2022, arXiv:2206.00364, equation
  /// 3) at a latent `clean + sigma · noise`: k-diffusion's `to_d`.
  func derivative(of x: Tensor, denoised: Tensor) throws(TensorError) -> Tensor {
    try (x - denoised) / Tensor(repeating: Float(sigma), shape: [1])
  }

  /// The sigma to step down to, and the deviation of the noise that leads up to a target: k-diffusion's
  /// `get_ancestral_step`.
  ///
  /// In f32 like the references: a first step from very far off leaves little to go down to.
  func ancestralStep(to target: NoiseLevel, eta: Float) -> (down: Float, up: Float) {
    let (sigma, next) = (Float(sigma), Float(target.sigma))
    // A step that rounding has reversed adds no noise.
    let share = max(sigma * sigma - next * next, 0) / (sigma * sigma)
    let maximum = (next * next * share).squareRoot()
    let up = min(next, eta * maximum)
    return (max(next * next - up * up, 0).squareRoot(), up)
  }
}

extension SigmaTable {
  /// One step of the midpoint method, or Euler's where the target has no noise.
  func midpointStep(
    _ x: Tensor, _ clean: Tensor, from level: NoiseLevel, to sigma: Double, with denoise: Denoise
  ) throws -> Tensor {
    let slope = try level.derivative(of: x, denoised: clean)
    guard sigma > 0 else { return try x - slope * Float(level.sigma) }
    let middle = self.level((level.sigma * sigma).squareRoot())
    let half = try x + slope * Float(middle.sigma - level.sigma)
    let there = try middle.denoised(half, with: denoise)
    return try x + middle.derivative(of: half, denoised: there) * Float(sigma - level.sigma)
  }
}

extension Tensor {
  /// The exact solution for a constant denoised latent: `ratio` of self, and `1 − ratio` of `clean`.
  func decayed(toward clean: Tensor, by ratio: Double) throws(TensorError) -> Tensor {
    try self * Float(ratio) + clean * Float(1 - ratio)
  }
}
