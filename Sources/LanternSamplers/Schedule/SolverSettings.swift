import LanternFormats

/// The settings of solvers in a scheduler's configuration. An absent one is nil where the defaults of
/// classes differ.
struct SolverSettings: Sendable, Equatable {
  /// Whether the last step of DDIM and PNDM ends at no noise.
  let setsAlphaToOne: Bool?
  /// The variance of DDPM's noise.
  let varianceType: String
  /// Order of DPM-Solver, DEIS and UniPC.
  let order: Int
  /// The solver type: `midpoint`, `heun`, `bh1`, `bh2`.
  let type: String?
  /// Whether the last steps are of lower order.
  let lowerOrderFinal: Bool?
  /// Whether the last step is of first order.
  let eulerAtFinal: Bool
  /// Whether a solver of the DPM family solves the SDE.
  let drawsNoise: Bool
  /// Whether a solver of the DPM family or SA-Solver integrates the noise rather than the clean latent.
  let integratesNoise: Bool
  /// Whether UniPC integrates the noise rather than the clean latent.
  let uniIntegratesNoise: Bool
  /// Steps that UniPC does not correct.
  let uncorrectedSteps: Set<Int>
  /// Order of SA-Solver's predictor.
  let predictorOrder: Int
  /// Order of SA-Solver's corrector.
  let correctorOrder: Int
  /// Number of solver steps of the distillation.
  let distillationSteps: Int
  /// Factor of LCM's timesteps.
  let timestepScaling: Double
  /// Whether PNDM begins without steps of Runge and Kutta's method.
  let skipsWarmUp: Bool?
  /// The seed of DPM-Solver SDE's noise.
  let noiseSeed: Int?

  /// Reads the settings.
  ///
  /// - Throws: ``FormatError`` for a mistyped setting.
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
  /// A boolean setting, where `null` is false as in Python; nil when it is absent.
  ///
  /// - Throws: ``FormatError/wrongType(key:expected:file:)``.
  func truth(_ key: String) throws(FormatError) -> Bool? {
    has(key) ? try bool(key, default: false) : nil
  }
}
