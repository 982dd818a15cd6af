import LanternFormats
import LanternSamplers
import LanternTensor
import TestSupport
import Testing

/// Against `tools/fixtures/scheduler_settings.py`: every setting of every class of diffusers' schedulers
/// that is read, one value after the other.
@Suite("Settings of schedulers and diffusers")
struct SchedulerSettingsTests {
  private let reference: DiffusersFixture
  private let latents: Tensor

  init() throws {
    reference = try DiffusersFixture("scheduler_settings.safetensors")
    latents = try reference.tensor("latents")
  }

  /// A value of a setting, tried in diffusers.
  private struct Row: CustomStringConvertible {
    let kind: String
    let key: String
    let config: [String: JSONValue]
    let results: [[JSONValue]]
    let isIdle: Bool
    let isElsewhere: Bool

    init(_ object: [String: JSONValue]) throws {
      kind = try #require(object["kind"]?.string)
      key = try #require(object["key"]?.string)
      config = try #require(object["config"]?.object)
      results = try #require(object["results"]?.array).compactMap(\.array)
      isIdle = object["idle"] == true
      isElsewhere = object["via"] != nil
    }

    var value: JSONValue? { config[key] }
    var description: String { "\(kind), \(JSON.write(.object(config)))" }
  }

  private func rows(of kind: String) throws -> [Row] {
    try (reference.json("rows").array ?? []).compactMap(\.object).map(Row.init)
      .filter { $0.kind == kind }
  }

  @Test(
    "the table of classes has the settings that diffusers' classes have, and each has been tried")
  func complete() throws {
    let keys = try #require(try reference.json("keys").object)
    #expect(Set(keys.keys) == Set(SchedulerTable.rows.map(\.name)))
    for row in SchedulerTable.rows {
      let theirs = Set((keys[row.name]?.array ?? []).compactMap(\.string))
      #expect(Set(row.keys) == theirs, "\(row.name)")
      let tried = try rows(of: row.name)
      #expect(Set(tried.map(\.key)) == theirs, "\(row.name)")
    }
  }

  @Test(
    "each value does what it does in diffusers, or is refused by name",
    arguments: SchedulerTable.rows.map(\.name))
  func follows(kind: String) throws {
    let rows = try rows(of: kind)
    #expect(!rows.isEmpty)
    for row in rows {
      do {
        let schedule = try schedule(row.config)
        let chosen = SamplerCatalogue.default(for: schedule, as: kind)
        let sampler = try chosen.make(schedule)
        for result in row.results { try compare(row, result, schedule, chosen, sampler) }
        if row.isIdle { try expectTold(row, schedule, chosen) }
      } catch {
        #expect("\(error)".contains(row.key) || isPartner("\(error)", row), "\(row): \(error)")
      }
    }
  }

  /// Whether a refusal names what stands beside the setting that is tried.
  private func isPartner(_ error: String, _ row: Row) -> Bool {
    row.config.keys.contains { error.contains("\"\($0)\"") }
  }

  private func compare(
    _ row: Row, _ result: [JSONValue], _ schedule: NoiseSchedule, _ chosen: SamplerCatalogue.Row,
    _ sampler: any Sampler
  ) throws {
    let steps = try #require(result.first?.integer)
    guard steps <= sampler.maximumSteps(over: schedule) else { return }
    let end = try draw(row, steps, schedule, sampler)
    let (words, place) = (result.last?.string, result.last?.integer)
    #expect(end.isFiniteEverywhere, "\(steps) steps of \(row)")
    guard let place else {
      // What diffusers stops at is refused before it is drawn, where that is not told otherwise.
      #expect(
        words == "not finite" || isBeyond(row, steps), "\(words ?? "") with \(steps) of \(row)")
      return
    }
    guard !isKnownDifference(row, steps, schedule) else { return }
    let expected = try latents.sliced(axis: 0, place..<place + 1).reshaped(end.shape)
    try expectEqual(end, expected, relative: tolerance(row), "\(steps) steps of \(row)")
  }

  /// What Lantern draws though diffusers stops.
  private func isBeyond(_ row: Row, _ steps: Int) -> Bool {
    // PNDM's beginning of Runge and Kutta takes four steps there; those of distillation want 50 steps
    // of training; an order of 3 without an ending cannot solve its equations; "deis", which the class
    // takes for "dpmsolver++", it then refuses for its ending. And a sampler that is put in the place
    // of a folder's own takes what it can of its file.
    row.kind == "PNDMScheduler" && steps < 4 || row.isElsewhere
      || ["LCMScheduler", "TCDScheduler"].contains(row.kind) && row.key == "trained_betas"
      || row.kind == "UniPCMultistepScheduler" && row.config["lower_order_final"] == false
      || row.config["algorithm_type"] == "deis"
      // Without its pipeline's ends the class cannot step.
      || row.kind == "SCMScheduler"
  }

  /// Rows of docs/differences.md and docs/samplers.md.
  private func isKnownDifference(_ row: Row, _ steps: Int, _ schedule: NoiseSchedule) -> Bool {
    let isCurve =
      row.kind.hasPrefix("EDM")
      || row.config.contains { $0.key.hasPrefix("use_") && $0.value == true }
    // The only step along a curve, of no length there, goes from the most noise to the least here.
    if steps == 1, isCurve { return true }
    // Two thirds of 999 are 665.99… in the reference, which takes the whole part as the timestep.
    let isFlow = row.config["prediction_type"] == "flow_prediction"
    if steps == 3, isFlow, row.config["use_flow_sigmas"] == true { return true }
    // PNDM in the place of another class is Stable Diffusion's PLMS; zero terminal SNR holds for every
    // sampler.
    return row.isElsewhere
      && (row.kind == "PNDMScheduler" && row.config["skip_prk_steps"] == nil
        || row.key == "rescale_betas_zero_snr")
  }

  private func tolerance(_ row: Row) -> Float {
    if row.config["rescale_betas_zero_snr"] == true { return 2e-3 }
    // Brownian motion over the last bit of sigma, 1e-6, has a deviation of 1e-3.
    if row.kind == "DPMSolverSDEScheduler" { return 4e-3 }
    return ["KDPM2A", "LMS"].contains { row.kind.hasPrefix($0) } ? 1e-3 : 2e-4
  }

  /// Draws with the fixture's model.
  private func draw(
    _ row: Row, _ steps: Int, _ schedule: NoiseSchedule, _ sampler: any Sampler
  ) throws -> Tensor {
    let plan = try sampler.plan(steps: steps, over: schedule)
    var noise = NoiseSource(seed: 42)
    let start = try noise.normal(reference.bias.shape) * Float(plan.initialScale)
    let denoiser = Denoiser(
      reference.model, predicting: schedule.prediction, dataDeviation: schedule.dataDeviation,
      guidance: Guidance(scale: 1))
    let end = try sampler.sample(start, over: plan, with: denoiser.denoise, noise: &noise) {
      $0.latent
    }
    guard let last = plan.targets.last, schedule.isContinuous else { return end }
    if schedule.prediction == .flow { return try end * Float(1 / (last.alpha + last.deviation)) }
    return sampler.usesSigma ? end : try end * Float(1 / last.alpha)
  }

  /// What does nothing is told, but for values that mean nothing to begin with, and what the pipeline
  /// corrects.
  private func expectTold(_ row: Row, _ schedule: NoiseSchedule, _ chosen: SamplerCatalogue.Row)
    throws
  {
    let reader = try #require(chosen.reader(of: schedule))
    let told = schedule.notes(for: reader).contains { $0.contains(row.key) }
    #expect(told || Self.isPlain(row), "\(row) says nothing of \(row.key)")
  }

  private static func isPlain(_ row: Row) -> Bool {
    let defaultValue: [String: [JSONValue]] = [
      "clip_sample": [true, false], "clip_sample_range": [0.5], "steps_offset": [0, 1, 2],
      "timestep_spacing": ["leading", "linspace", "trailing"], "set_alpha_to_one": [true, false],
      "lower_order_final": [true, false], "euler_at_final": [true, false],
      "solver_type": ["midpoint", "heun", "logrho", "bh1", "bh2"], "use_lu_lambdas": [true],
      "algorithm_type": ["deis", "dpmsolver", "dpmsolver++", "data_prediction"],
      "solver_order": [2, 3],
      "final_sigmas_type": ["zero", "sigma_min"], "interpolation_type": ["log_linear"],
      "lambda_min_clipped": [-1.5, -5.1], "beta_end": [0.015], "beta_start": [0.001],
      "variance_type": ["fixed_small", "fixed_small_log"], "corrector_order": [1, 2, 3, 4],
      "predictor_order": [1, 2, 3, 4], "sigma_schedule": ["karras"],
      "skip_prk_steps": [true, false], "beta_schedule": ["linear"],
    ]
    return defaultValue[row.key]?.contains {
      $0 == row.value || $0.double == row.value?.double && $0.double != nil
    }
      ?? false
  }
}
