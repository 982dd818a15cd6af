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
  private let order: Int
  private let isHeun: Bool
  private let endsInFirstOrder: Bool
  private let shortRunsEndInFirstOrder: Bool

  /// With the order and the ending that the schedule's file asks for.
  public init(_ schedule: NoiseSchedule) {
    order = schedule.solverOrder
    isHeun = schedule.solverType == "heun"
    endsInFirstOrder = schedule.eulerAtFinal || schedule.finalSigmaIsZero
    shortRunsEndInFirstOrder = schedule.lowerOrderFinal
  }

  public var usesSigma: Bool { false }

  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    let table = schedule.sigmas
    let end =
      schedule.finalSigmaIsZero ? NoiseLevel.clean : NoiseLevel(timestep: 0, sigma: table[0])
    if spacing == .karras || (spacing == nil && schedule.usesKarras) {
      return NoisePlan(
        schedule.karrasLevels(
          count, from: table[table.count - 1], to: table[0], rounded: schedule.roundsKarras),
        end: end)
    }
    let steps = schedule.multistepTimesteps(count)
    return NoisePlan(
      steps.map {
        NoiseLevel(timestep: $0, sigma: Double(Float(schedule.sigma(at: $0, in: table))))
      }, end: end)
  }

  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var previous: (clean: Tensor, lambda: Double)?
    let count = plan.levels.count
    for (index, level) in plan.levels.enumerated() {
      let target = plan.targets[index]
      let clean = try denoise(x, level).clean
      let lambda = -log(level.sigma)
      let isLast = index == count - 1
      let firstOrder =
        order == 1 || (isLast && (endsInFirstOrder || (shortRunsEndInFirstOrder && count < 15)))
      let h = -log(target.sigma) - lambda
      let gain = target.alpha * expm1(-h)
      x = try x * Float(target.deviation / level.deviation) - clean * Float(gain)
      if let previous, !firstOrder {
        let change = try (clean - previous.clean) * Float(h / (lambda - previous.lambda))
        let factor = isHeun ? target.alpha * (expm1(-h) / h + 1) : -0.5 * gain
        x = try x + change * Float(factor)
      }
      previous = (clean, lambda)
      x = try onStep(Step(index: index, count: count, level: level, latent: x, denoised: clean))
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
      let ratio = trainingSteps / (count + 1)
      return (1...count).reversed().map { bounded(Float($0 * ratio + stepsOffset)) }
    case "trailing": return trailing(count)
    default:
      let all = Self.evenly(count + 1, to: Double(trainingSteps - 1))
      return all.dropLast().map { Float(roundEven($0)) }
    }
  }
}
