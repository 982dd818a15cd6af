import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

/// Against `tools/fixtures/continuous_samplers.py`: diffusers' schedulers without a table of steps.
@Suite("Samplers over continuous noise")
struct ContinuousNoiseTests {
  private let reference: DiffusersFixture

  init() throws { reference = try DiffusersFixture("continuous_samplers.safetensors") }

  @Test(
    "the latent after every step equals that of diffusers' EDM and flow matching schedulers",
    arguments: ["euler", "heun", "dpm++2m", "dpm++2m_sde"])
  func follows(name: String) throws {
    let runs = try reference.runs("cases", of: name)
    #expect(runs.count > 10)
    let worst = try runs.map { try follow($0) }.max() ?? 0
    tell(name, isFrom: "diffusers without a table", by: worst)
  }

  /// Returns the largest difference.
  private func follow(_ run: DiffusersFixture.Run) throws -> Float {
    let settings = try schedule(run.config)
    let className = try #require(run.config["_class_name"]?.string)
    #expect(SamplerCatalogue.default(for: settings).name == run.sampler)
    if run.sampler != "dpm++2m_sde" {
      #expect(try SamplerCatalogue.row(named: className).name == run.sampler)
    }
    let sampler = try SamplerCatalogue.row(named: run.sampler).make(settings)
    let plan = try sampler.plan(steps: run.steps, over: settings)
    var noise = NoiseSource(seed: run.seed)
    let start = try noise.normal(reference.bias.shape) * Float(plan.initialScale)
    let denoiser = Denoiser(
      reference.model, predicting: settings.prediction, dataDeviation: settings.dataDeviation,
      guidance: Guidance(scale: 1))
    // EDM's latents are clean + sigma · noise, a flow's lie on its straight path.
    func theirs(_ latent: Tensor, _ level: NoiseLevel) throws -> Tensor {
      if settings.prediction == .flow {
        return try latent * Float(1 / (level.alpha + level.deviation))
      }
      return sampler.usesSigma ? latent : try latent * Float(1 / level.alpha)
    }
    var found = [try theirs(start, plan.levels[0])]
    _ = try sampler.sample(start, over: plan, with: denoiser.denoise, noise: &noise) { step in
      found.append(try theirs(step.latent, plan.targets[step.index]))
      return step.latent
    }
    let expected = try reference.tensor("\(run.number).steps")
    #expect(found.count == expected.shape[0], "\(run)")
    return try found.enumerated().filter { $0.offset < expected.shape[0] }.map { index, latent in
      return try expectEqual(
        latent, expected.sliced(axis: 0, index..<index + 1), relative: 1e-4,
        "step \(index) of \(run)")
    }.max() ?? 0
  }

  @Test("samplers that need a table are refused with those that do not")
  func refusals() throws {
    for (className, names) in [
      ("EDMEulerScheduler", ["ddim", "ddpm", "pndm", "lcm", "dpm2", "dpm_adaptive", "unipc"]),
      ("FlowMatchEulerDiscreteScheduler", ["ddim", "lms", "euler_a", "tcd", "sa_solver"]),
    ] {
      let settings = try schedule(["_class_name": .string(className)])
      for name in names {
        #expect {
          try SamplerCatalogue.row(named: name).make(settings)
        } throws: { "\($0)".contains("\(className) has not: choose one of dpm++2m, ") }
      }
    }
  }

  @Test("settings that change results in a way that is not here are refused")
  func settings() {
    for (className, key, value) in [
      ("EDMEulerScheduler", "rho", .number(5)), ("EDMEulerScheduler", "sigma_min", .number(-1)),
      ("EDMEulerScheduler", "prediction_type", .string("sample")),
      ("EDMEulerScheduler", "sigma_schedule", .string("linear")),
      ("FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting", .bool(true)),
      ("FlowMatchEulerDiscreteScheduler", "shift", .number(0)),
      ("FlowMatchEulerDiscreteScheduler", "invert_sigmas", .bool(true)),
      ("FlowMatchEulerDiscreteScheduler", "shift_terminal", .number(0.1)),
    ] as [(String, String, JSONValue)] {
      #expect {
        try schedule(["_class_name": .string(className), key: value])
      } throws: { "\($0)".contains(key) }
    }
  }

  @Test("spacings that need a table are refused, and others go from one end to the other")
  func spacings() throws {
    let settings = try schedule(["_class_name": .string("EDMEulerScheduler")])
    for name in ["simple", "sgm_uniform", "ays", "trailing", "leading", "linspace"] {
      let spacing = try #require(Spacing(rawValue: name))
      #expect {
        try Euler().plan(steps: 4, over: settings, spacing: spacing)
      } throws: { "\($0)".contains("schedule \(name) needs a table") }
    }
    for spacing: Spacing in [.karras, .exponential, .polyexponential, .klOptimal, .beta] {
      let sigmas = try Euler().plan(steps: 9, over: settings, spacing: spacing).levels.map(\.sigma)
      #expect(abs(sigmas[0] - 80) < 1e-3 && abs(sigmas[8] - 0.002) < 1e-6)
      #expect(zip(sigmas, sigmas.dropFirst()).allSatisfy { $0 > $1 })
    }
  }

  @Test("settings of any fineness are read")
  func fine() throws {
    for (name, key, value) in [
      ("FlowMatchEulerDiscreteScheduler", "num_train_timesteps", .integer(20000)),
      ("FlowMatchEulerDiscreteScheduler", "shift", .number(0.4)),
      ("EDMEulerScheduler", "sigma_min", .number(1e-4)),
    ] as [(String, String, JSONValue)] {
      let settings = try schedule(["_class_name": .string(name), key: value])
      let row = SamplerCatalogue.default(for: settings)
      #expect(try row.make(settings).plan(steps: 3, over: settings).levels.count == 3)
    }
  }
}
