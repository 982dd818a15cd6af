public import LanternTensor

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// DPM-Solver++(2M), a second-order multistep method in the logarithm of the signal-to-noise ratio (Lu
/// et al. 2022, arXiv:2211.01095, algorithm 2).
///
/// Equal to diffusers' `DPMSolverMultistepScheduler` of algorithm `dpmsolver++`.
public struct DPMPP2M: Sampler {
  private let clipping: Clipping
  private let order: Int
  private let isHeun: Bool
  private let endsInFirstOrder: Bool
  private let shortRunsEndInFirstOrder: Bool

  /// With the order and the ending that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) {
    clipping = schedule.thresholding
    order = schedule.solverOrder
    isHeun = schedule.solverType == "heun"
    endsInFirstOrder = schedule.eulerAtFinal || schedule.finalSigmaIsZero
    shortRunsEndInFirstOrder = schedule.lowerOrderFinal
  }

  /// Latents are of unit variance.
  public var usesSigma: Bool { false }

  /// Whole timesteps, or Karras' sigmas between the ends of the schedule.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    let table = schedule.sigmas
    let levels: [NoiseLevel]
    if spacing == .karras || (spacing == nil && schedule.usesKarras) {
      // The reference tells the model whole timesteps, and for one schedule of betas rounds down.
      levels = schedule.karrasLevels(
        count, from: table[table.count - 1], to: table[0],
        rounding: schedule.isCosine ? .down : .toNearestOrEven)
    } else {
      levels = schedule.multistepTimesteps(count).map {
        NoiseLevel(timestep: $0, sigma: Double(Float(schedule.sigma(at: $0, in: table))))
      }
    }
    return NoisePlan(levels, end: schedule.lastLevel)
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var previous: (clean: Tensor, lambda: Double)?
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let clean = try clipping.applied(to: denoise(x, level).clean)
      let lambda = -log(level.sigma)
      let isLast = index == plan.levels.count - 1
      let isShort = shortRunsEndInFirstOrder && plan.count < 15
      let firstOrder = order == 1 || (isLast && (endsInFirstOrder || isShort))
      let h = -log(target.sigma) - lambda
      let gain = target.alpha * expm1(-h)
      x = try x * Float(target.deviation / level.deviation) - clean * Float(gain)
      // Where timesteps are rounded onto one another there is no change to learn from.
      if let previous, !firstOrder, previous.lambda < lambda {
        let change = try (clean - previous.clean) * Float(h / (lambda - previous.lambda))
        let factor = isHeun ? target.alpha * (expm1(-h) / h + 1) : -0.5 * gain
        x = try x + change * Float(factor)
      }
      previous = (clean, lambda)
      x = try onStep(
        Step(
          index: index, count: plan.levels.count, level: level, latent: x, denoised: clean))
    }
    return x
  }
}

extension NoiseSchedule {
  /// Whole timesteps as diffusers' multistep solvers space them: one more than asked for, less the
  /// last, so that the end is not stepped on twice.
  func multistepTimesteps(_ count: Int) -> [Float] {
    switch timestepSpacing ?? "linspace" {
    case "leading":
      let ratio = max(trainingSteps / (count + 1), 1)
      let offset = stepsOffset(for: "DPMSolverMultistepScheduler")
      return (1...count).reversed().map { bounded(Float($0 * ratio + offset)) }
    case "trailing": return trailing(count)
    default:
      let all = Self.evenly(count + 1, to: Double(trainingSteps - 1))
      return all.dropLast().map { Float($0.rounded(.toNearestOrEven)) }
    }
  }
}
