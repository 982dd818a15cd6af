public import LanternTensor

/// The linear multistep method of Adams and Bashforth, fourth order, on the probability-flow ODE
/// (Crowson's k-diffusion, `sample_lms`).
///
/// Equal to diffusers' `LMSDiscreteScheduler` from pure noise. From a picture the reference uses
/// derivatives of steps that were not taken; here the first step is of first order.
public struct LMS: SigmaSampler {
  private static let order = 4

  /// Reads no setting of the scheduler's configuration.
  public init() {}

  /// Timesteps, integers or not, or a curve of sigmas.
  public func plan(_ count: Int, over schedule: NoiseSchedule, spacing: Spacing?) -> NoisePlan {
    schedule.sigmaPlan(
      count, spacing, Grid(scheduler: "LMSDiscreteScheduler", karrasUsesFileEnds: false))
  }

  /// Draws no noise.
  public func sample(
    _ latent: Tensor, over plan: NoisePlan, with denoise: Denoise, noise: inout NoiseSource,
    onStep: StepHandler
  ) throws -> Tensor {
    var x = latent
    var history: [(sigma: Double, slope: Tensor)] = []
    for (index, level) in plan.levels.enumerated() {
      let clean = try level.denoised(x, with: denoise)
      history.removeAll { $0.sigma <= level.sigma }
      history.insert((level.sigma, try level.derivative(of: x, denoised: clean)), at: 0)
      history = Array(history.prefix(Self.order))
      let factors = Self.factors(
        history.map(\.sigma), from: level.sigma, to: plan.targets[index].sigma)
      for (factor, past) in zip(factors, history) { x = try x + past.slope * Float(factor) }
      x = try onStep(plan.step(index, x, denoised: clean))
    }
    return x
  }

  /// The integrals of Lagrange polynomials through `points`, at most four, over an interval.
  private static func factors(
    _ points: [Double], from start: Double, to end: Double
  ) -> [Double] {
    // Gauss and Legendre's rule of two points is exact for third powers.
    let (middle, half) = ((start + end) / 2, (end - start) / 2)
    let offset = half / 3.0.squareRoot()
    return points.indices.map { index in
      [middle - offset, middle + offset].reduce(0) { sum, node in
        let others = points.indices.filter { $0 != index }
        return sum + half
          * others.reduce(1) { product, other in
            product * (node - points[other]) / (points[index] - points[other])
          }
      }
    }
  }
}
