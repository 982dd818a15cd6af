import LanternFormats

/// What a scheduler's file asks of solvers. What it leaves out is nil where classes differ in what they
/// then do.
struct SolverSettings: Sendable, Equatable {
  /// Whether the last step of DDIM and PNDM ends at no noise.
  let setsAlphaToOne: Bool?
  /// Which variance DDPM draws.
  let varianceType: String
  /// Order of DPM-Solver, DEIS and UniPC.
  let order: Int
  /// Which solver of an order: `midpoint`, `heun`, `bh1`, `bh2`.
  let type: String?
  /// Whether the last steps are of lower order.
  let lowerOrderFinal: Bool?
  /// Whether the last step is of first order.
  let eulerAtFinal: Bool
  /// Whether a solver of the DPM family draws fresh noise.
  let drawsNoise: Bool
  /// Whether a solver of the DPM family or SA-Solver integrates the noise rather than the clean latent.
  let integratesNoise: Bool
  /// The same of UniPC.
  let uniIntegratesNoise: Bool
  /// Steps that UniPC does not correct.
  let uncorrectedSteps: Set<Int>
  /// Order of SA-Solver's predictor.
  let predictorOrder: Int
  /// Order of SA-Solver's corrector.
  let correctorOrder: Int
  /// Number of steps of the solver that a distilled model learnt from.
  let distillationSteps: Int
  /// What LCM multiplies timesteps with.
  let timestepScaling: Double
  /// Whether PNDM begins without Runge and Kutta's method.
  let skipsWarmUp: Bool?
  /// The seed of DPM-Solver SDE's noise, where it has one of its own.
  let noiseSeed: Int?

  /// Reads them.
  ///
  /// - Throws: ``FormatError`` for a mistyped one.
  init(_ config: Config) throws(FormatError) {
    setsAlphaToOne = try config.truth("set_alpha_to_one")
    varianceType = try config.string("variance_type", default: "fixed_small")
    order = try config.integer("solver_order", default: 2)
    type = try config.optionalString("solver_type")
    lowerOrderFinal = try config.truth("lower_order_final")
    eulerAtFinal = try config.bool("euler_at_final", default: false)
    let algorithm = try config.string("algorithm_type", default: "")
    drawsNoise = algorithm.hasPrefix("sde-")
    integratesNoise = ["dpmsolver", "sde-dpmsolver", "noise_prediction"].contains(algorithm)
    uniIntegratesNoise = try config.truth("predict_x0") == false
    uncorrectedSteps = Set(try config.integers("disable_corrector", default: []))
    predictorOrder = try config.integer("predictor_order", default: 2)
    correctorOrder = try config.integer("corrector_order", default: 2)
    distillationSteps = try config.integer("original_inference_steps", default: 50)
    timestepScaling = try config.double("timestep_scaling", default: 10)
    skipsWarmUp = try config.truth("skip_prk_steps")
    noiseSeed = try config.optionalInteger("noise_sampler_seed")
  }
}

extension Config {
  /// `true` or `false`, where a `null` that stands in the file is false, as Python has it; nil when it
  /// does not stand there.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  func truth(_ key: String) throws(FormatError) -> Bool? {
    has(key) ? try bool(key, default: false) : nil
  }
}
