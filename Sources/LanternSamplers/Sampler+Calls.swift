import LanternTensor

extension Sampler {
  /// The number of model evaluations (NFE) of each step of a plan, counted in a run over a single number.
  ///
  /// - Parameter plan: of this sampler.
  /// - Returns: evaluations by step; for adaptive samplers, of as many steps as a model takes whose
  ///   prediction is always 0.
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

  /// The number of model evaluations of a usual step, neither the first nor the last; of adaptive samplers, whose
  /// steps are not counted beforehand, 1.
  ///
  /// - Parameter schedule: the model's.
  /// - Returns: 2 for solvers of second order that evaluate within a step.
  /// - Throws: ``TensorError``.
  package func callsPerStep(over schedule: NoiseSchedule) throws -> Int {
    if choosesLevels { return 1 }
    let count = min(8, maximumSteps(over: schedule))
    let counts = try calls(over: plan(count, over: schedule, spacing: nil))
    return max(1, counts.dropLast().last ?? counts.last ?? 1)
  }
}
