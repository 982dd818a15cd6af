package import LanternFormats

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What the model was trained to predict.
public enum PredictionType: String, Sendable, CaseIterable {
  /// The noise (Ho et al. 2020).
  case epsilon
  /// `alpha · noise − deviation · clean` (Salimans & Ho 2022, arXiv:2202.00512).
  case velocity = "v_prediction"
  /// The clean latent.
  case sample
}

/// How noisy each training step was, and how the model's folder wants sampling to go: the contents of
/// `scheduler/scheduler_config.json`.
///
/// Settings that the file leaves out are nil, since their defaults differ between samplers, as they
/// do between the classes of diffusers.
public struct NoiseSchedule: Sendable {
  /// The class of diffusers that the file was written for.
  public let schedulerClass: String
  /// ᾱ of each training step, f32 as the reference has it.
  public let alphaBars: [Float]
  /// What the model predicts.
  public let prediction: PredictionType
  /// How timesteps are spaced: linspace, leading or trailing.
  let timestepSpacing: String?
  let stepsOffset: Int
  let hasZeroTerminalSNR: Bool
  let usesKarras: Bool
  let setsAlphaToOne: Bool
  let finalSigmaIsZero: Bool
  /// Clean latents are kept within ± this, where the file or DDPM's and DDIM's default says so.
  let clipRange: Float?
  let varianceType: String
  let solverOrder: Int
  let solverType: String
  let lowerOrderFinal: Bool
  let eulerAtFinal: Bool
  let roundsKarras: Bool

  /// Number of training steps.
  public var trainingSteps: Int { alphaBars.count }

  /// Settings without effect here: those of samplers that Lantern does not take the file's word for.
  private static let harmless: Set<String> = [
    "skip_prk_steps", "clip_sample_range", "dynamic_thresholding_ratio", "sample_max_value",
    "solver_p", "disable_corrector", "predict_x0", "s_churn", "s_noise", "lower_order_second",
    "original_inference_steps", "timestep_scaling", "time_shift_type", "flow_shift", "variance_type",
  ]

  /// Reads the settings.
  ///
  /// - Throws: ``SamplerError/file(_:)`` for a mistyped or unsupported one,
  ///   ``SamplerError/inconsistent(reason:file:)`` for impossible numbers.
  package init(_ config: Config) throws(SamplerError) {
    let betas: [Float]
    do throws(FormatError) {
      schedulerClass = try config.string("_class_name", default: "DDIMScheduler")
      try Self.refuseOthers(config)
      let kind = try config.string("prediction_type", default: "epsilon")
      guard let prediction = PredictionType(rawValue: kind) else {
        throw .unsupportedSetting(key: "prediction_type", value: kind, file: config.file)
      }
      self.prediction = prediction
      timestepSpacing = try config.optionalString("timestep_spacing")
      stepsOffset = try config.integer("steps_offset", default: 0)
      hasZeroTerminalSNR = try config.bool("rescale_betas_zero_snr", default: false)
      usesKarras = try config.bool("use_karras_sigmas", default: false)
      setsAlphaToOne = try config.bool("set_alpha_to_one", default: true)
      try config.expect("final_sigmas_type", [.string("zero"), .string("sigma_min")])
      finalSigmaIsZero = try config.string("final_sigmas_type", default: "zero") == "zero"
      let clips = try config.bool("clip_sample", default: true)
      clipRange = clips ? try config.float("clip_sample_range", default: 1) : nil
      varianceType = try config.string("variance_type", default: "fixed_small")
      try config.expect("solver_order", [.integer(1), .integer(2)])
      solverOrder = try config.integer("solver_order", default: 2)
      solverType = try config.string("solver_type", default: "midpoint")
      lowerOrderFinal = try config.bool("lower_order_final", default: true)
      eulerAtFinal = try config.bool("euler_at_final", default: false)
      roundsKarras =
        try config.string("beta_schedule", default: "linear") != "squaredcos_cap_v2"
      betas = try Self.betas(config)
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    var bars = Self.cumulativeProduct(betas)
    if hasZeroTerminalSNR { bars = Self.withZeroTerminalSNR(bars) }
    guard bars.count > 1, bars.allSatisfy({ $0 >= 0 && $0 < 1 }), (0..<bars.count).contains(stepsOffset),
      [nil, "linspace", "leading", "trailing"].contains(timestepSpacing)
    else {
      throw .inconsistent(
        reason: "betas must lie in 0…1, steps_offset within the training steps, and "
          + "timestep_spacing be linspace, leading or trailing", file: config.file)
    }
    alphaBars = bars
  }

  /// Refuses by name what changes results in ways that are not here.
  private static func refuseOthers(_ config: Config) throws(FormatError) {
    let off: [JSONValue] = [.bool(false)]
    for key in [
      "thresholding", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas",
      "use_flow_sigmas", "use_dynamic_shifting",
    ] { try config.expect(key, off) }
    try config.expect("interpolation_type", [.string("linear")])
    try config.expect("timestep_type", [.string("discrete")])
    try config.expect("sigma_min", [.null])
    try config.expect("sigma_max", [.null])
    try config.expect("lambda_min_clipped", [.number(-.infinity)])
    try config.expect("algorithm_type", [.string("dpmsolver++"), .string("deis")])
    try config.expect(
      "solver_type", ["midpoint", "heun", "bh1", "bh2", "logrho"].map(JSONValue.string))
    try config.expect(
      "variance_type",
      ["fixed_small", "fixed_small_log", "fixed_large"].map(JSONValue.string))
  }

  private static func betas(_ config: Config) throws(FormatError) -> [Float] {
    let count = try config.integer("num_train_timesteps", default: 1000)
    guard (2...1_000_000).contains(count) else {
      throw .unsupportedSetting(
        key: "num_train_timesteps", value: "\(count)", file: config.file)
    }
    let first = try config.double("beta_start", default: 0.0001)
    let last = try config.double("beta_end", default: 0.02)
    let kind = try config.string("beta_schedule", default: "linear")
    if let trained = config.value("trained_betas"), trained != .null {
      return try config.doubles("trained_betas").map { Float($0) }
    }
    switch kind {
    case "linear": return linspace(Float(first), Float(last), count)
    case "scaled_linear":
      return linspace(Float(first.squareRoot()), Float(last.squareRoot()), count).map { $0 * $0 }
    case "squaredcos_cap_v2":
      // Nichol & Dhariwal 2021, arXiv:2102.09672
      func bar(_ t: Double) -> Double {
        let angle = cos((t + 0.008) / 1.008 * .pi / 2)
        return angle * angle
      }
      return (0..<count).map { step in
        let (from, to) = (Double(step) / Double(count), Double(step + 1) / Double(count))
        return Float(min(1 - bar(to) / bar(from), 0.999))
      }
    default: throw .unsupportedSetting(key: "beta_schedule", value: kind, file: config.file)
    }
  }

  /// `torch.linspace` in f32, which counts from both ends.
  private static func linspace(_ first: Float, _ last: Float, _ count: Int) -> [Float] {
    let step = (last - first) / Float(count - 1)
    return (0..<count).map { index in
      index < count / 2 ? first + step * Float(index) : last - step * Float(count - 1 - index)
    }
  }

  /// ᾱ: `torch.cumprod` keeps its running product in f64 and stores f32.
  private static func cumulativeProduct(_ betas: [Float]) -> [Float] {
    var product = 1.0
    return betas.map { beta in
      product *= Double(1 - beta)
      return Float(product)
    }
  }

  /// Shifts and scales √ᾱ so that the last step is pure noise (Lin et al. 2023, arXiv:2305.08891).
  private static func withZeroTerminalSNR(_ bars: [Float]) -> [Float] {
    let roots = bars.map { $0.squareRoot() }
    guard let first = roots.first, let last = roots.last, first > last else { return bars }
    let moved = roots.map { ($0 - last) * (first / (first - last)) }
    let squares = moved.map { $0 * $0 }
    let alphas = squares.indices.map { $0 == 0 ? squares[0] : squares[$0] / squares[$0 - 1] }
    return cumulativeProduct(alphas.map { 1 - $0 })
  }

  /// ᾱ as the samplers that divide by it want it: never 0.
  var positiveAlphaBars: [Double] {
    var bars = alphaBars.map { Double($0) }
    if hasZeroTerminalSNR { bars[bars.count - 1] = 0x1p-24 }
    return bars
  }

  /// The ratio of noise to clean latent at each training step.
  var sigmas: [Double] { positiveAlphaBars.map { ((1 - $0) / $0).squareRoot() } }
}
