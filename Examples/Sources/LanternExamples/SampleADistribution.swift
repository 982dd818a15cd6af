import LanternSamplers
import LanternTensor

/// Samples a distribution of one number, whose denoiser is known exactly, with a sampler of Lantern's:
/// samplers need a closure and no model.
///
/// - Parameters:
///   - count: how many numbers.
///   - name: a sampler's, of `SamplerCatalogue`.
///   - steps: how many.
/// - Returns: numbers whose mean is about 1 and whose standard deviation is about 0.5.
/// - Throws: `SamplerError` or `TensorError`.
public func sampleADistribution(_ count: Int, sampler name: String, steps: Int) throws -> [Float] {
  let (mean, deviation): (Float, Float) = (1, 0.5)
  // The settings of a scheduler_config.json: here Stable Diffusion's.
  let schedule = try NoiseSchedule(
    json: """
      {"_class_name": "DDIMScheduler", "beta_schedule": "scaled_linear", "beta_start": 0.00085,
      "beta_end": 0.012, "clip_sample": false}
      """)
  let sampler = try SamplerCatalogue.row(named: name).make(schedule)
  let plan = sampler.plan(steps, over: schedule, spacing: nil)
  var noise = NoiseSource(seed: 0)
  let start = try noise.normal([count, 1, 1, 1]).scaled(by: Float(plan.initialScale))
  let latent = try sampler.sample(
    start, over: plan,
    with: { latent, level in
      // x = (clean + sigma · noise), or alpha times that: of both normal, the mean of clean given x.
      let x = sampler.usesSigma ? latent : try latent.scaled(by: Float(1 / level.alpha))
      let sigma = Float(level.sigma)
      let share = deviation * deviation / (deviation * deviation + sigma * sigma)
      let clean = try x.scaled(by: share, plus: (1 - share) * mean)
      return Denoised(clean: clean, noise: try (x - clean).scaled(by: 1 / sigma))
    }, noise: &noise
  ) { $0.latent }
  return try latent.floats()
}
