import LanternFormats
import LanternSamplers
import LanternTensor

/// Any scheduler's file is read or refused; every sampler that takes what is read draws a few steps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: data, count: count)
  guard let object = try? JSON.parse(bytes, file: "x").object,
    // As many steps of training as fit the limit of time.
    object["num_train_timesteps"]?.integer ?? 0 <= 2000,
    let schedule = try? NoiseSchedule(Config(object, file: "x"))
  else { return 0 }
  for row in SamplerCatalogue.rows {
    _ = row.reader(of: schedule).map { schedule.notes(for: $0) }
    guard row.name != "dpm_adaptive", let sampler = try? row.make(schedule) else { continue }
    for steps in [1, 4] where steps <= sampler.maximumSteps(over: schedule) {
      try? draw(schedule, sampler, steps)
    }
  }
  return 0
}

private func draw(_ schedule: NoiseSchedule, _ sampler: any Sampler, _ steps: Int) throws {
  let plan = try sampler.plan(steps: steps, over: schedule)
  var noise = NoiseSource(seed: 1)
  let start = try noise.normal([1, 1, 2, 1]) * Float(plan.initialScale)
  let denoiser = Denoiser(
    { latent, _ in try latent * 0.5 }, predicting: schedule.prediction,
    dataDeviation: schedule.dataDeviation, guidance: Guidance(scale: 1))
  _ = try sampler.sample(start, over: plan, with: denoiser.denoise, noise: &noise) { $0.latent }
}
