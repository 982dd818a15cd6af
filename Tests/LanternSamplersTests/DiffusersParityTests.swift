import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

/// Against `tools/fixtures/samplers.py`: StableDiffusionPipeline and StableDiffusionImg2ImgPipeline
/// of diffusers 0.42, driven whole, with a made-up model in the U-Net's place.
@Suite("Samplers and diffusers")
struct DiffusersParityTests {
  /// Samplers that diffusers does not have, or has for a noise schedule of their own alone, or whose
  /// runs are `SchedulerSettingsTests`'.
  private static let elsewhere = [
    "dpm++2s_a", "dpm++3m_sde", "dpm++sde", "dpm_adaptive", "dpm_singlestep_sde", "ipndm",
  ]
  private static let tolerances: [String: Float] = [
    "deis": 1e-4, "dpm2": 1e-4, "dpm2_a": 1e-3, "heun": 1e-4, "lms": 5e-4, "unipc": 1e-4,
  ]
  private let reference: DiffusersFixture

  init() throws { reference = try DiffusersFixture() }

  @Test(
    "the first latent and the latent after every step equal those of diffusers' pipelines",
    arguments: SamplerCatalogue.rows.map(\.name).filter { !Self.elsewhere.contains($0) })
  func followsPipelines(name: String) throws {
    let runs = try reference.runs("cases", of: name)
    #expect(runs.count > 25)
    let worst = try runs.map { try follow($0) }.max() ?? 0
    tell(name, isFrom: "diffusers", by: worst)
  }

  /// Returns the largest difference.
  private func follow(_ run: DiffusersFixture.Run) throws -> Float {
    let settings = try schedule(run.config)
    let sampler = try SamplerCatalogue.row(named: run.sampler).make(settings, eta: run.eta)
    var plan = try sampler.plan(steps: run.steps, over: settings, spacing: run.spacing)
    var noise = NoiseSource(seed: run.seed)
    var start = try noise.normal(reference.bias.shape)
    if let strength = run.strength {
      plan = try #require(plan.suffix(strength: strength, of: run.steps))
      start = try sampler.noised(reference.tensor("picture"), with: start, at: plan.levels[0])
    } else {
      start = try start * Float(plan.initialScale)
    }
    try expectEqual(
      start, reference.tensor("\(run.number).start"), relative: 3e-6, "start of \(run)")

    let denoiser = Denoiser(
      reference.model, predicting: settings.prediction,
      guidance: Guidance(scale: run.guidance))
    var found: [Tensor] = []
    let end = try sampler.sample(start, over: plan, with: denoiser.denoise, noise: &noise) { step in
      #expect(step.index == found.count && step.count == plan.levels.count)
      #expect(step.level == plan.levels[step.index])
      #expect(step.denoised.shape == step.latent.shape)
      found.append(step.latent)
      return step.latent
    }
    #expect(try end.floats() == found.last?.floats())
    let expected = try reference.tensor("\(run.number).steps")
    // After a first step from nearly infinite noise, single bits of f32 show; and where a small
    // sigma divides differences of nearly equal latents.
    var tolerance: Float = run.config["rescale_betas_zero_snr"] == nil ? 2e-5 : 5e-4
    if let known = Self.tolerances[run.sampler] { tolerance = max(tolerance, known) }
    let kept = stride(from: run.every - 1, to: found.count, by: run.every).map { $0 }
    #expect(kept.count == expected.shape[0], "\(run)")
    return try kept.enumerated().filter { $0.offset < expected.shape[0] }.map { row, index in
      let theirs = try expected.sliced(axis: 0, row..<row + 1)
      return try expectEqual(found[index], theirs, relative: tolerance, "step \(index) of \(run)")
    }.max() ?? 0
  }

  @Test("IPNDM equals diffusers' on that one's own noise schedule")
  func pseudoNumerical() throws {
    let reference = try DiffusersFixture("ipndm.safetensors")
    let runs = try reference.runs("cases", of: "ipndm")
    #expect(runs.count == 5)
    for run in runs {
      let alphas = try reference.tensor("\(run.number).alphas").floats()
      let timesteps = try reference.tensor("\(run.number).timesteps").floats()
      let levels = zip(timesteps + [0], alphas).map {
        NoiseLevel(timestep: $0, alphaBar: Double($1) * Double($1))
      }
      let plan = NoisePlan(Array(levels.dropLast()), end: levels[run.steps])
      var noise = NoiseSource(seed: run.seed)
      let denoiser = Denoiser(
        reference.model, predicting: .velocity, guidance: Guidance(scale: 1))
      var found = [try noise.normal(reference.bias.shape)]
      _ = try IPNDM().sample(found[0], over: plan, with: denoiser.denoise, noise: &noise) { step in
        found.append(step.latent)
        return step.latent
      }
      let worst = try expectEqual(
        Tensor.concatenated(found, axis: 0), reference.tensor("\(run.number).steps"),
        relative: 1e-4, "\(run)")
      tell("ipndm", isFrom: "diffusers", by: worst)
    }
  }

  @Test(
    "timesteps and sigmas equal those of diffusers' schedulers",
    arguments: SamplerCatalogue.rows.map(\.name).filter { !Self.elsewhere.contains($0) })
  func plansLikeSchedulers(name: String) throws {
    let runs = try reference.runs("plans", of: name)
    #expect(runs.count > 10)
    for run in runs {
      let settings = try schedule(run.config, correctsForLatents: false)
      let sampler = try SamplerCatalogue.row(named: name).make(settings)
      let plan = try sampler.plan(steps: run.steps, over: settings, spacing: run.spacing)
      let timesteps = try reference.tensor("plan \(run.number).timesteps").floats()
      expectEqual(plan.levels.map(\.timestep), timesteps, relative: 1e-6, "\(run)")
      guard reference.has("plan \(run.number).sigmas") else { continue }
      let sigmas = try reference.tensor("plan \(run.number).sigmas").floats()
      let found = plan.levels.map(\.sigma) + plan.targets.suffix(1).map(\.sigma)
      for (ours, theirs) in zip(found, sigmas) {
        #expect(abs(Float(ours) - theirs) <= 1e-6 * theirs, "\(run)")
      }
      #expect(found.count == sigmas.count)
    }
  }

  @Test(
    "the share of the clean latent in each training step equals diffusers'",
    arguments: [
      "linear", "scaled_linear", "squaredcos_cap_v2", "rescaled", "rescaled linear", "trained",
    ])
  func accumulatesLikeTorch(name: String) throws {
    let config = try reference.json("schedules").object?[name]?.object ?? [:]
    let ours = try schedule(config).alphaBars
    let theirs = try reference.tensor("\(name).alphaBars").floats()
    #expect(ours.count == theirs.count)
    // Rescaling subtracts nearly equal square roots, whose last bits differ from PyTorch's.
    let allowed: Float = name.hasPrefix("rescaled") ? 1e-5 : 0
    let different = zip(ours, theirs).filter { abs($0 - $1) > allowed * $1 }
    #expect(different.isEmpty)
  }
}
