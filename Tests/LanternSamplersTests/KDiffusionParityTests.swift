import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

/// Against `tools/fixtures/k_samplers.py`: k-diffusion 0.1.1 over its own noise levels.
@Suite("Samplers and k-diffusion")
struct KDiffusionParityTests {
  private let reference: DiffusersFixture

  init() throws { reference = try DiffusersFixture("k_samplers.safetensors") }

  @Test(
    "noise levels, and the latent after every step, equal k-diffusion's",
    arguments: [
      "euler", "euler_a", "heun", "dpm2", "dpm2_a", "lms", "dpm++2s_a", "dpm++sde", "dpm++2m",
      "dpm++2m_sde", "dpm++3m_sde", "dpm_adaptive",
    ])
  func follows(name: String) throws {
    let runs = try reference.runs("cases", of: name)
    #expect(runs.count > 10)
    let worst = try runs.map { try follow($0) }.max() ?? 0
    tell(name, isFrom: "k-diffusion", by: worst)
  }

  /// Returns the largest difference.
  private func follow(_ run: DiffusersFixture.Run) throws -> Float {
    var settings = try schedule(run.config)
    settings.convention = .kDiffusion
    let sampler = try SamplerCatalogue.row(named: run.sampler).make(settings, eta: run.eta)
    let plan = try sampler.plan(steps: run.steps, over: settings, spacing: run.spacing)
    if !sampler.choosesLevels {
      let sigmas = try reference.tensor("\(run.number).sigmas").floats()
      let found = (plan.levels + plan.targets.suffix(1)).map { Float($0.sigma) }
      expectEqual(found, sigmas, relative: 2e-6, "sigmas of \(run)")
    }
    var noise = NoiseSource(seed: run.seed)
    let start = try noise.normal(reference.bias.shape) * Float(plan.initialScale)
    let denoiser = Denoiser(
      reference.model, predicting: settings.prediction, guidance: Guidance(scale: 1))
    // As clean + sigma · noise, whatever the sampler's convention.
    func inSigmas(_ latent: Tensor, _ level: NoiseLevel) throws -> Tensor {
      sampler.usesSigma ? latent : try latent * Float(1 / level.alpha)
    }
    var found = [try inSigmas(start, plan.levels[0])]
    _ = try sampler.sample(start, over: plan, with: denoiser.denoise, noise: &noise) { step in
      // One that chooses its levels works in sigmas anyway.
      let target = sampler.choosesLevels ? step.level : plan.targets[step.index]
      found.append(try inSigmas(step.latent, target))
      return step.latent
    }
    let expected = try reference.tensor("\(run.number).steps")
    #expect(found.count == expected.shape[0], "\(run)")
    return try found.enumerated().filter { $0.offset < expected.shape[0] }.map { index, latent in
      // The reference integrates the factors of LMS to a relative 1e-4.
      return try expectEqual(
        latent, expected.sliced(axis: 0, index..<index + 1),
        relative: run.sampler == "lms" ? 1e-3 : 1e-4,
        "step \(index) of \(run)")
    }.max() ?? 0
  }
}
