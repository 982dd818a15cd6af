import Foundation
import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

/// Where the truth is known in closed form: latents that are normally distributed around `mean`, whose
/// score, and whose way along the probability-flow ODE, can be written down.
@Suite("Samplers on a Gaussian")
struct GaussianTests {
  private static let (mean, spread) = (0.4, 0.6)

  /// The posterior mean of the clean latent, and of the noise.
  private static func denoise(_ x: Tensor, _ level: NoiseLevel) throws -> Denoised {
    let (alpha, deviation) = (level.alpha, level.deviation)
    let variance = alpha * alpha * spread * spread + deviation * deviation
    let share = alpha * spread * spread / variance
    let clean = try x.scaled(by: Float(share), plus: Float(mean - share * alpha * mean))
    // In this form it stays exact where there is hardly any noise.
    let noise = try x.scaled(
      by: Float(deviation / variance), plus: Float(-deviation / variance * alpha * mean))
    return Denoised(clean: clean, noise: noise)
  }

  /// How many standard deviations from the middle a latent lies, which the ODE does not change.
  private static func place(_ x: Float, _ level: NoiseLevel) -> Double {
    let variance = level.alphaBar * spread * spread + 1 - level.alphaBar
    return (Double(x) - level.alpha * mean) / variance.squareRoot()
  }

  private static func settings(_ changes: [String: JSONValue] = [:]) throws -> NoiseSchedule {
    let defaultValue: [String: JSONValue] = [
      "_class_name": .string("EulerDiscreteScheduler"), "beta_start": .number(0.00085),
      "beta_end": .number(0.012), "beta_schedule": .string("scaled_linear"),
      "clip_sample": .bool(false), "lower_order_final": .bool(false),
      "final_sigmas_type": .string("sigma_min"),
    ]
    return try schedule(defaultValue.merging(changes) { $1 })
  }

  /// What a solver promises, and how its levels lie when it does.
  struct Claim: Sendable, CustomStringConvertible {
    var sampler: String
    var order: Double
    var setting: Int?
    var isEven = false

    var description: String { sampler + (setting.map { " of order \($0)" } ?? "") }
  }

  /// Multistep methods begin with a step of first order, whose error of h² stays: third and fourth
  /// order show only where that is small.
  static let claims = [
    Claim(sampler: "ddim", order: 1), Claim(sampler: "euler", order: 1),
    Claim(sampler: "euler_a", order: 1),
    Claim(sampler: "deis", order: 2), Claim(sampler: "deis", order: 3, setting: 3),
    Claim(sampler: "dpm++2m", order: 2), Claim(sampler: "dpm++2m", order: 3, setting: 3),
    Claim(sampler: "dpm++2m_sde", order: 2), Claim(sampler: "dpm++3m_sde", order: 3),
    Claim(sampler: "dpm++2s_a", order: 2), Claim(sampler: "dpm++sde", order: 2),
    Claim(sampler: "dpm2", order: 2), Claim(sampler: "dpm2_a", order: 2),
    Claim(sampler: "dpm_singlestep", order: 2),
    Claim(sampler: "dpm_singlestep", order: 3, setting: 3),
    Claim(sampler: "dpm_singlestep_sde", order: 2), Claim(sampler: "heun", order: 2),
    Claim(sampler: "ipndm", order: 4, isEven: true),
    Claim(sampler: "lms", order: 4, isEven: true),
    Claim(sampler: "pndm", order: 4, isEven: true), Claim(sampler: "sa_solver", order: 2),
    Claim(sampler: "unipc", order: 2), Claim(sampler: "unipc", order: 3, setting: 3),
  ]

  @Test("every solver of the ODE converges as fast as it claims", arguments: claims)
  func converges(claim: Claim) throws {
    let found = try [12, 24, 48, 96].map { try Self.error(claim, steps: $0) }
    let orders = zip(found, found.dropFirst()).map { log2($0 / $1) }
    #expect((orders.max() ?? 0) > claim.order - 0.2, "\(claim): \(found), \(orders)")
    // Over all three, too: a wrong term may cancel the error at one number of steps. The first steps of
    // fourth-order methods are of lower order, which tells with few.
    let overall = orders.reduce(0, +) / Double(orders.count)
    #expect(overall > claim.order - (claim.isEven ? 0.9 : 0.25), "\(claim): \(found), \(orders)")
  }

  /// The error after a number of steps from much noise to some, in standard deviations.
  private static func error(_ claim: Claim, steps: Int) throws -> Double {
    let order = claim.setting.map { ["solver_order": JSONValue.integer($0)] } ?? [:]
    let schedule = try settings(order)
    let row = try SamplerCatalogue.row(named: claim.sampler)
    let sampler = try row.make(schedule, eta: row.defaultEta.map { _ in 0 })
    let (top, bottom) = (8.0, 0.4)
    let levels = (0...steps).map { index in
      let share = Double(index) / Double(steps)
      let sigma =
        claim.isEven ? top + (bottom - top) * share : top * pow(bottom / top, share)
      return NoiseLevel(timestep: 0, sigma: sigma)
    }
    let plan = NoisePlan(Array(levels.dropLast()), end: levels[steps])
    func unit(_ level: NoiseLevel) -> Float { sampler.usesSigma ? Float(level.alpha) : 1 }
    let start = try Tensor([-1.3, 0.2, 0.9, 2.1], shape: [1, 1, 1, 4])
      .scaled(by: 1 / unit(levels[0]), plus: 0)
    var noise = NoiseSource(seed: 1)
    let end = try sampler.sample(start, over: plan, with: denoise, noise: &noise) { $0.latent }
    let places = try zip(start.floats(), end.floats()).map { first, last in
      abs(
        place(first * unit(levels[0]), levels[0]) - place(last * unit(levels[steps]), levels[steps])
      )
    }
    return places.reduce(0, +) / Double(places.count)
  }

  @Test(
    "every sampler ends in the distribution of the data",
    arguments: SamplerCatalogue.rows.map(\.name).filter { $0 != "lcm" })
  func distribution(name: String) throws {
    let schedule = try Self.settings(["final_sigmas_type": .string("zero")])
    let sampler = try SamplerCatalogue.row(named: name).make(schedule)
    // A Brownian tree draws two dozen times for each number that it gives.
    let isTree = name == "dpm++sde"
    let steps = min(isTree ? 60 : 200, sampler.maximumSteps(over: schedule))
    let plan = try sampler.plan(steps: steps, over: schedule)
    var noise = NoiseSource(seed: 3)
    let start =
      try noise.normal(isTree ? [1, 32, 32, 4] : [1, 64, 64, 4]) * Float(plan.initialScale)
    let end = try sampler.sample(
      start, over: plan, with: Self.denoise, noise: &noise
    ) { $0.latent }.floats().map(Double.init)
    let mean = end.reduce(0, +) / Double(end.count)
    let variance = end.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(end.count)
    #expect(abs(mean - Self.mean) < 0.03, "mean \(mean)")
    #expect(abs(variance.squareRoot() - Self.spread) < 0.03, "spread \(variance.squareRoot())")
  }

  @Test(
    "every sampler and schedule takes any number of steps",
    arguments: SamplerCatalogue.rows.map(\.name))
  func anyNumber(name: String) throws {
    for convention in Convention.allCases {
      var schedule = try Self.settings(["final_sigmas_type": .string("zero")])
      schedule.convention = convention
      let sampler = try SamplerCatalogue.row(named: name).make(schedule)
      let maximum = sampler.maximumSteps(over: schedule)
      for spacing in [nil] + Spacing.allCases.map(Optional.some) {
        let counts = [1, 2, 3, 4, 14, 15, min(maximum, 50)] + (spacing == nil ? [maximum] : [])
        for steps in Set(counts) {
          let plan = try sampler.plan(steps: steps, over: schedule, spacing: spacing)
          for levels in [plan, plan.suffix(strength: 0.6, of: steps)].compactMap({ $0 }) {
            var noise = NoiseSource(seed: 1)
            let start = try noise.normal([1, 1, 1, 2]) * Float(plan.initialScale)
            var taken = 0
            let end = try sampler.sample(
              start, over: levels, with: Self.denoise, noise: &noise
            ) { step in
              taken += 1
              return step.latent
            }
            #expect(taken > 0 || levels != plan, "\(steps) steps are none")
            #expect(
              end.isFiniteEverywhere, "\(steps) steps of \(spacing?.rawValue ?? "defaultValue")")
          }
        }
      }
    }
  }

  /// Solvers of the SDE whose share of noise nobody chooses.
  private static let alwaysNoisy = ["ddpm", "lcm"]

  @Test(
    "without fresh noise a sample is the same whatever the seed, with it another",
    arguments: SamplerCatalogue.rows.map(\.name))
  func freshNoise(name: String) throws {
    let schedule = try Self.settings()
    let row = try SamplerCatalogue.row(named: name)
    let start = try Tensor([-1.3, 0.2, 0.9, 2.1], shape: [1, 1, 1, 4])
    func sample(eta: Float?, seed: UInt64) throws -> (end: [Float], drew: Bool) {
      let sampler = try row.make(schedule, eta: eta)
      let plan = try sampler.plan(steps: 6, over: schedule)
      var noise = NoiseSource(seed: seed)
      var unused = noise
      let end = try sampler.sample(
        start * Float(plan.initialScale), over: plan, with: Self.denoise, noise: &noise
      ) { $0.latent }
      let drew = try noise.normal(start.shape).floats() != unused.normal(start.shape).floats()
      return (try end.floats(), drew)
    }
    let takesEta = row.defaultEta != nil
    let (first, second) = try (
      sample(eta: takesEta ? 0 : nil, seed: 1), sample(eta: takesEta ? 0 : nil, seed: 2)
    )
    #expect((first.end == second.end) != Self.alwaysNoisy.contains(name))
    if takesEta {
      #expect(try sample(eta: 1, seed: 1).end != sample(eta: 1, seed: 2).end)
    } else {
      #expect(first.drew == Self.alwaysNoisy.contains(name), "the source of noise was read")
    }
  }

  @Test("a share of noise that a sampler does not take is refused, and so are more steps")
  func manners() throws {
    let schedule = try Self.settings()
    for row in SamplerCatalogue.rows {
      if row.defaultEta == nil {
        #expect(throws: SamplerError.eta(0.5, sampler: row.name, isTaken: false)) {
          try row.make(schedule, eta: 0.5)
        }
      } else {
        #expect(throws: SamplerError.eta(1.5, sampler: row.name, isTaken: true)) {
          try row.make(schedule, eta: 1.5)
        }
      }
      let sampler = try row.make(schedule)
      let maximum = sampler.maximumSteps(over: schedule)
      for steps in [0, -1, maximum + 1] {
        #expect(throws: SamplerError.steps(found: steps, maximum: maximum)) {
          try sampler.plan(steps: steps, over: schedule)
        }
      }
    }
  }
}
