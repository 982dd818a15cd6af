/// The plans that solvers share: levels by a ``Spacing`` and a ``Grid``, with their ends and the scale of
/// the initial noise.
extension NoiseSchedule {
  /// The plan of a ``SigmaSampler``.
  func sigmaPlan(
    _ count: Int, _ spacing: Spacing?, _ grid: Grid, end: NoiseLevel = .clean
  ) -> NoisePlan {
    let levels = levels(count, spacing, grid)
    let top = levels.map(\.sigma).max() ?? 1
    guard convention == .diffusers else { return NoisePlan(levels, end: .clean, initialScale: top) }
    // The reference adds the clean latent's unit variance for leading timesteps and EDM's alone.
    let requested = spacing.flatMap { $0.isCurve || $0 == .discrete ? nil : $0 }
    let isLeading = (requested ?? settings.spacing ?? .linspace) == .leading || dataDeviation != nil
    return NoisePlan(
      levels, end: end, initialScale: isLeading ? (top * top + 1).squareRoot() : top)
  }

  /// The plan of a ``UnitVarianceSampler``.
  func unitVariancePlan(
    _ levels: [NoiseLevel], end: NoiseLevel, targets: [NoiseLevel]? = nil
  ) -> NoisePlan {
    // k-diffusion begins with noise alone, also at a level with a share of clean latent.
    var scale = convention == .kDiffusion ? levels.first?.deviation ?? 1 : 1
    // The reference begins with noise on the flow's straight path.
    if case .flow(let times) = continuous, times.isOfSolver, let first = levels.first {
      scale = 1 / first.flowScale
    }
    return NoisePlan(levels, end: end, targets: targets, initialScale: scale)
  }

  /// A plan of integer timesteps in which each step ends a fixed number of training steps below: diffusers'
  /// DDIM and PNDM.
  func stridedPlan(
    _ count: Int, _ spacing: Spacing?, setsAlphaToOne: Bool, for sampler: String
  ) -> NoisePlan {
    let levels = integerLevels(
      count, spacing, Grid(scheduler: sampler, defaultSpacing: .leading, isInteger: true))
    let first = firstTrainingLevel
    let end = setsAlphaToOne || convention == .kDiffusion ? .clean : first
    let isStrided = !(spacing?.isCurve ?? false) && convention == .diffusers
    return unitVariancePlan(
      levels, end: end, targets: isStrided ? stridedTargets(levels, end: end) : nil)
  }

  /// The level a fixed number of training steps below each, wherever the next level lies.
  private func stridedTargets(_ levels: [NoiseLevel], end: NoiseLevel) -> [NoiseLevel] {
    let stride = Float(trainingSteps / levels.count)
    return levels.map { level in
      level.timestep < stride ? end : discreteLevels([level.timestep - stride])[0]
    }
  }

  /// The plan of diffusers' multistep solvers: one timestep more is spaced, and the last left out, so that
  /// the end is not repeated.
  func multistepPlan(
    _ count: Int, _ spacing: Spacing?, for sampler: String, usesFileSpacing: Bool = true,
    end: NoiseLevel? = nil
  ) -> NoisePlan {
    // The reference passes integer timesteps to the model, rounded down for the cosine schedule.
    let isCut = settings.isCosine && sampler == "DPMSolverMultistepScheduler"
    let levels = levels(
      count, spacing,
      Grid(
        scheduler: sampler, usesFileSpacing: usesFileSpacing, isInteger: true, leavesOutEnd: true,
        spansSchedule: true, karrasRounding: isCut ? .down : .toNearestOrEven,
        curveRounding: .down, takesLuLambdas: sampler == "DPMSolverMultistepScheduler",
        leavesOutClipped: ["DPMSolver", "SASolver"].contains { sampler.hasPrefix($0) }))
    // With `sigma_min` these classes repeat the last level of a curve.
    let isCurve = [.karras, .exponential, .beta].contains(spacing ?? settings.curve)
    let repeats = end != nil || sampler == "UniPCMultistepScheduler" && !settings.finalSigmaIsZero
    let last =
      isCurve && repeats && settings.curveEnds.minimum != nil && continuous == nil
      ? levels.last : nil
    return unitVariancePlan(
      levels, end: convention == .kDiffusion ? .clean : last ?? end ?? lastLevel)
  }

  /// The plan of distilled models: an even subset of the timesteps of distillation, noisiest first.
  func distilledPlan(_ count: Int, end: NoiseLevel = .clean) -> NoisePlan {
    let stride = trainingSteps / originalSteps
    let steps = (0..<count).map { index in
      Float((originalSteps - index * originalSteps / count) * stride - 1)
    }
    return NoisePlan(discreteLevels(steps), end: end)
  }

  /// Euler's plan with `interpolation_type` `log_linear`: sigmas of one step more, even in their logarithm.
  /// Timesteps do not change, nor do sigmas of a curve.
  func logLinearPlan(_ plan: NoisePlan, _ spacing: Spacing?) -> NoisePlan {
    guard !(spacing ?? settings.curve ?? .discrete).isCurve else { return plan }
    let sigmas = Curves.polyexponential(plan.count + 1, over: SigmaTable(self).ends, rho: 1)
    let levels = zip(plan.levels, sigmas).map {
      NoiseLevel(timestep: $0.timestep, sigma: Double(Float($1)))
    }
    let top = plan.levels.map(\.sigma).max() ?? 1
    let isLeading = plan.initialScale > top
    let scale = isLeading ? (sigmas[0] * sigmas[0] + 1).squareRoot() : sigmas[0]
    return NoisePlan(
      levels, end: NoiseLevel(timestep: 0, sigma: Double(Float(sigmas[plan.count]))),
      initialScale: scale)
  }

  /// Euler's plan with `timestep_type` `continuous`, where the configuration has it: timesteps are a quarter
  /// of the logarithm of sigma.
  func withContinuousTimesteps(_ plan: NoisePlan) -> NoisePlan {
    guard settings.hasContinuousTimesteps, let end = plan.targets.last else { return plan }
    let levels = plan.levels.map {
      NoiseLevel(timestep: Float(-0.25 * $0.lambda), alphaBar: $0.alphaBar)
    }
    return NoisePlan(levels, end: end, initialScale: plan.initialScale)
  }
}
