import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

/// The fixture is made by tools/fixtures/guidance.py, with diffusers' own functions and
/// sd-dynamic-thresholding's.
@Suite struct GuidanceTests {
  @Test(
    "rescaled, adaptive projected and thresholded guidance equal their references' over several steps"
  )
  func parity() throws {
    let file = try SafetensorsFile(fixture("guidance.safetensors"))
    let text = Array(try #require(file.metadata["cases"]).utf8)
    let cases = try text.withUnsafeBytes { try JSON.parse($0, file: "cases") }.array ?? []
    #expect(cases.count == 44)
    let both = try #require(try file.tensor("both"))
    let scale = Float(try #require(file.metadata["scale"])) ?? 0
    for (index, value) in cases.enumerated() {
      let settings = Config(try #require(value.object), file: "case \(index)")
      var guidance = Guidance(scale: scale)
      guidance.rescaling.share = try settings.float("rescale")
      if try settings.bool("projects") {
        guidance.projection = AdaptiveProjectedGuidance(
          parallel: try settings.float("parallel"), threshold: try settings.float("threshold"),
          momentum: try settings.float("momentum"))
      }
      if let mimic = try settings.optionalFloat("mimic") {
        guidance.thresholding = DynamicThresholding(
          mimicScale: mimic, percentile: try settings.float("percentile"))
      }
      var step = 0
      let denoiser = Denoiser(
        { latent, _ in
          #expect(latent.shape[0] == 2)
          defer { step += 1 }
          return try both.sliced(axis: 0, step..<step + 1).reshaped(Array(both.shape.dropFirst()))
        }, predicting: .sample, guidance: guidance)
      let latent = try Tensor(repeating: 0, shape: [1] + both.shape.dropFirst(2))
      let level = NoiseLevel(timestep: 1, sigma: 1)
      let found = try (0..<both.shape[0]).map { _ in try denoiser.denoise(latent, level).clean }
      try expectEqual(
        Tensor.concatenated(found, axis: 0), #require(try file.tensor("\(index).out")),
        relative: 2e-5, "\(value)")
    }
  }

  @Test("outside its interval of noise levels guidance asks once, with the prompt alone")
  func interval() throws {
    var guidance = Guidance(scale: 5)
    guidance.interval = 0.5...2
    var asked: [Int] = []
    let denoiser = Denoiser(
      { latent, _ in
        asked.append(latent.shape[0])
        return latent
      }, predicting: .sample, guidance: guidance)
    let latent = try Tensor(repeating: 1, shape: [1, 2, 2, 1])
    for sigma in [4, 1.9, 1, 0.6, 0.25] {
      _ = try denoiser.denoise(latent, NoiseLevel(timestep: 1, sigma: sigma))
    }
    #expect(asked == [1, 2, 2, 2, 1])
    #expect(!Guidance(scale: 1).isActive && Guidance(scale: 1.1).isActive)
  }

  @Test(
    "CFG++ goes from the guided clean latent to the noise found without the prompt, at any scale")
  func plusPlus() throws {
    let noiseOfTwo: [Float] = [0.5, -1, 2, 0.25, 0.75, -0.5, 1, -2]
    for scale: Float in [0, 0.6, 1] {
      var guidance = Guidance(scale: scale)
      guidance.keepsUnguidedNoise = true
      #expect(guidance.isActive)
      let denoiser = Denoiser(
        { latent, _ in
          #expect(latent.shape[0] == 2)
          return try Tensor(noiseOfTwo, shape: [2, 2, 2, 1])
        }, predicting: .epsilon, guidance: guidance)
      let level = NoiseLevel(timestep: 500, sigma: 1.5)
      let target = NoiseLevel(timestep: 0, sigma: 0.5)
      let x: [Float] = [1, 2, -3, 0.5]
      let plan = NoisePlan([level], end: target)
      var noise = NoiseSource(seed: 0)
      let ddim = try DDIM(schedule(["clip_sample": .bool(false)]))
      let found = try ddim.sample(
        Tensor(x, shape: [1, 2, 2, 1]), over: plan, with: denoiser.denoise, noise: &noise
      ) { $0.latent }
      // Equations 12 and 13 of the paper.
      let wanted = (0..<4).map { index -> Float in
        let (without, with) = (noiseOfTwo[index], noiseOfTwo[index + 4])
        let guided = without + scale * (with - without)
        let clean = (x[index] - Float(level.deviation) * guided) / Float(level.alpha)
        return Float(target.alpha) * clean + Float(target.deviation) * without
      }
      try expectEqual(found, Tensor(wanted, shape: [1, 2, 2, 1]), relative: 1e-6, "\(scale)")
    }
  }

  @Test("thresholding bounds clean latents, whatever the model predicts")
  func thresholdsCleanLatents() throws {
    let both = try Tensor([0.5, -1, 2, 0.25, 0.75, -0.5, 1, -2], shape: [2, 2, 2, 1])
    let x = try Tensor([1, 2, -3, 0.5], shape: [1, 2, 2, 1])
    let level = NoiseLevel(timestep: 500, sigma: 1.5)
    let (alpha, deviation) = (Float(level.alpha), Float(level.deviation))
    var guidance = Guidance(scale: 7)
    guidance.thresholding = DynamicThresholding(mimicScale: 2, percentile: 0.9)
    let found = try Denoiser({ _, _ in both }, predicting: .epsilon, guidance: guidance)
      .denoise(x, level)
    // The clean latents that the two answers stand for, as a model that predicts them would give
    // them.
    let twice = try Tensor.concatenated([x, x], axis: 0)
    let cleans = try (twice - both * deviation) * (1 / alpha)
    let wanted = try Denoiser({ _, _ in cleans }, predicting: .sample, guidance: guidance)
      .denoise(x, level)
    try expectEqual(found.clean, wanted.clean, relative: 1e-5)
    try expectEqual(found.clean * alpha + found.noise * deviation, x, relative: 1e-5)
  }
}
