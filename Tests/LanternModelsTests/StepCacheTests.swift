import LanternFormats
import LanternLayers
import LanternModels
import LanternTensor
import TestSupport
import Testing

/// What U-Nets compute when features are reused; the references are the package DeepCache and a Taylor
/// expansion in float64: tools/fixtures/step_cache.py.
@Suite("Features that are reused between steps") struct StepCacheTests {
  private static let cases = [
    ("sd1", "deepcache"), ("sd2", "deepcache"), ("single", "deepcache"), ("sd1", "taylor"),
    ("sd2", "taylor"), ("mixed", "taylor"), ("single", "taylor"),
  ]

  private func model(_ name: String) throws -> (UNet2DConditionModel, Conditioning) {
    let fixture = try ModelFixture("unet_2d_condition", name)
    let model = try fixture.build { config, weights throws(ModelError) in
      try UNet2DConditionModel(UNet2DConditionConfig(config), weights)
    }
    return (model, Conditioning(states: try fixture.tensor("context")))
  }

  private func latents(_ name: String) throws -> [(timestep: Float, latent: Tensor)] {
    let file = try SafetensorsFile(fixture("step_cache.safetensors"))
    let times = try #require(try file.tensor("\(name).timesteps")).floats()
    return try times.enumerated().map { index, time in
      let stored = try #require(try file.tensor("\(name).latent.\(index)"))
      return (time, try stored.permuted([0, 2, 3, 1]).contiguous())
    }
  }

  @Test("predictions equal the references', at every evaluation", arguments: cases, [2, 3])
  func parity(pair: (name: String, method: String), interval: Int) throws {
    let (model, conditioning) = try model(pair.name)
    let file = try SafetensorsFile(fixture("step_cache.safetensors"))
    let cache = try #require(StepCache("\(pair.method):\(interval)"))
    let predict = try model.conditioned(on: conditioning, caching: cache)
    for (index, (timestep, latent)) in try latents(pair.name).enumerated() {
      let key = "\(pair.name).\(pair.method).\(interval).\(index)"
      let wanted = try #require(try file.tensor(key)).permuted([0, 2, 3, 1]).contiguous()
      try expectEqual(predict(latent, timestep), wanted, relative: 5e-5, "\(key)")
    }
  }

  @Test("every interval-th evaluation is that of the whole network, to the bit, and no other is")
  func interval() throws {
    let (model, conditioning) = try model("sd1")
    let whole = try model.conditioned(on: conditioning)
    for (method, interval) in [("deepcache", 2), ("taylor", 3)] {
      let cache = try #require(StepCache("\(method):\(interval)"))
      let cached = try model.conditioned(on: conditioning, caching: cache)
      for (index, (timestep, latent)) in try latents("sd1").enumerated() {
        let isWhole = try cached(latent, timestep).floats() == whole(latent, timestep).floats()
        #expect(isWhole == (index % interval == 0), "\(method) \(index)")
      }
    }
  }

  @Test("what ControlNets add counts in every evaluation")
  func residuals() throws {
    let (model, prompt) = try model("sd1")
    var conditioning = prompt
    let (timestep, latent) = try latents("sd1")[0]
    let plain = try model.conditioned(on: conditioning)(latent, timestep).floats()
    let (batch, height, width) = (latent.shape[0], latent.shape[1], latent.shape[2])
    conditioning.residuals = { _, _ throws(TensorError) in
      var (height, width, all) = (height, width, [Tensor]())
      for (index, channels) in model.residualChannels.enumerated() {
        all.append(try Tensor(repeating: 0.5, shape: [batch, height, width, channels]))
        if index == 1 { (height, width) = ((height + 1) / 2, (width + 1) / 2) }
      }
      return ControlResiduals(skips: all)
    }
    let cached = try model.conditioned(on: conditioning, caching: StepCache("deepcache:2"))
    let whole = try cached(latent, timestep).floats()
    #expect(whole != plain)
    // The features are those of the same latent.
    #expect(try cached(latent, timestep).floats() == whole)
  }

  @Test("latents of another size begin anew")
  func size() throws {
    let (model, conditioning) = try model("sd1")
    let cache = try #require(StepCache("deepcache:4"))
    let cached = try model.conditioned(on: conditioning, caching: cache)
    let all = try latents("sd1")
    _ = try cached(all[0].latent, all[0].timestep)
    let smaller = try all[1].latent.sliced(axis: 1, 0..<6).contiguous()
    let whole = try model.conditioned(on: conditioning)(smaller, all[1].timestep)
    #expect(try cached(smaller, all[1].timestep).floats() == whole.floats())
  }

  @Test("evaluations at one timestep do not divide by nothing")
  func sameTimestep() throws {
    let (model, conditioning) = try model("sd1")
    let cached = try model.conditioned(on: conditioning, caching: StepCache("taylor:2"))
    let (_, latent) = try latents("sd1")[0]
    for timestep in [500, 500, 500, 500, 400, 400] as [Float] {
      #expect(try cached(latent, timestep).isFiniteEverywhere)
    }
  }

  @Test(
    "a text names a method and an interval, or nothing",
    arguments: [
      ("deepcache", "deepcache:3"), ("DeepCache:2", "deepcache:2"), ("taylor:100", "taylor:100"),
      ("taylor:1", nil), ("taylor:101", nil), ("taylor:", nil), ("taylor:2:3", nil), ("", nil),
      ("deep", nil), ("taylor:-2", nil), (":2", nil),
    ])
  func text(text: String, wanted: String?) {
    #expect(StepCache(text)?.text == wanted)
  }
}
