import LanternTensor

extension Sampler {
  /// How often each step of a plan asks the model, as found by trying it on a single number.
  ///
  /// - Parameter plan: of this sampler.
  /// - Returns: calls by step; for samplers that choose their own levels, of as many steps as a model
  ///   would need that always answers 0.
  /// - Throws: ``TensorError``.
  package func calls(over plan: NoisePlan) throws -> [Int] {
    var counts = [0]
    var noise = NoiseSource(seed: 0)
    let start = try noise.normal([1, 1, 1, 1]) * Float(plan.initialScale)
    _ = try sample(
      start, over: plan,
      with: { latent, _ in
        counts[counts.count - 1] += 1
        return Denoised(clean: try latent * 0, noise: latent)
      }, noise: &noise
    ) { step in
      counts.append(0)
      return step.latent
    }
    return Array(counts.dropLast())
  }
}
