import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

/// Steps of no length, of one level twice, of lengths that rounding turns round.
@Suite("Samplers stay finite")
struct FiniteTests {
  private let reference: DiffusersFixture

  init() throws { reference = try DiffusersFixture() }

  private static let betas: [String: JSONValue] = [
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
  ]
  /// Noises that end where rounding tells.
  private static let noises: [[String: JSONValue]] = [
    ["final_sigmas_type": "zero"], ["final_sigmas_type": "sigma_min"],
    ["final_sigmas_type": "sigma_min", "solver_order": 3, "lower_order_final": false],
    ["final_sigmas_type": "sigma_min", "solver_type": "heun", "lower_order_final": false],
    ["prediction_type": "v_prediction", "rescale_betas_zero_snr": true],
    ["beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing"],
    ["trained_betas": [0.01, 0.02, 0.05, 0.1], "num_train_timesteps": 4],
  ]

  @Test(
    "with every schedule, every end, few steps and many",
    arguments: SamplerCatalogue.rows.map(\.name))
  func everywhere(name: String) throws {
    for (index, noise) in Self.noises.enumerated() {
      var schedule = try schedule(
        Self.betas.merging(["_class_name": "DDIMScheduler"]) { $1 }.merging(noise) { $1 })
      for convention in Convention.allCases {
        schedule.convention = convention
        let sampler = try SamplerCatalogue.row(named: name).make(schedule)
        for (place, spacing) in ([nil] + Spacing.allCases.map(Optional.init)).enumerated() {
          // Two of five numbers, others for each noise: all of them with every schedule.
          let some = [[1, 5], [2, 16], [3, 16], [1, 16], [2, 5]][(index + place) % 5]
          for steps in some where steps <= sampler.maximumSteps(over: schedule) {
            let end = try draw(sampler, schedule, spacing, steps)
            #expect(
              end.isFiniteEverywhere,
              "\(name), \(spacing?.rawValue ?? "own"), \(steps) steps, \(convention), \(noise)")
          }
        }
      }
    }
  }

  @Test(
    "where a step has no length the latent stays as it is", arguments: ["dpm++2m", "dpm++2m_sde"])
  func standsStill(name: String) throws {
    let schedule = try schedule(
      Self.betas.merging([
        "_class_name": "DPMSolverMultistepScheduler", "final_sigmas_type": "sigma_min",
      ]) { $1 })
    let sampler = try SamplerCatalogue.row(named: name).make(schedule)
    for spacing in [Spacing.karras, .exponential] {
      let plan = try sampler.plan(steps: 4, over: schedule, spacing: spacing)
      var noise = NoiseSource(seed: 42)
      let denoiser = Denoiser(
        reference.model, predicting: .epsilon, guidance: Guidance(scale: 1))
      var found: [Tensor] = []
      _ = try sampler.sample(
        noise.normal(reference.bias.shape), over: plan, with: denoiser.denoise, noise: &noise
      ) {
        found.append($0.latent)
        return $0.latent
      }
      try expectEqual(found[3], found[2], relative: 1e-3, "\(name), \(spacing)")
    }
  }

  private func draw(
    _ sampler: any Sampler, _ schedule: NoiseSchedule, _ spacing: Spacing?, _ steps: Int
  ) throws -> Tensor {
    let plan = try sampler.plan(steps: steps, over: schedule, spacing: spacing)
    var noise = NoiseSource(seed: 42)
    let start = try noise.normal([1, 1, 2, 4]) * Float(plan.initialScale)
    let denoiser = Denoiser(
      { latent, _ in try latent * 0.5 }, predicting: schedule.prediction,
      guidance: Guidance(scale: 1))
    return try sampler.sample(start, over: plan, with: denoiser.denoise, noise: &noise) {
      $0.latent
    }
  }
}
