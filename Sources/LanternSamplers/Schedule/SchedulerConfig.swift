import LanternFormats

/// The settings of `scheduler/scheduler_config.json`, each read and checked once. An absent setting is nil
/// where the defaults of classes differ.
struct SchedulerConfig: Sendable {
  /// The class of diffusers that reads the configuration, whose defaults apply.
  let schedulerClass: String
  /// The continuous schedule; nil for a table of training steps.
  let continuous: ContinuousNoise?
  /// What the model predicts.
  let prediction: PredictionType
  /// The spacing of timesteps: linspace, leading or trailing.
  let spacing: Spacing?
  /// The offset of leading timesteps.
  let stepsOffset: Int?
  /// The sigma schedule: Karras', exponential or beta.
  let curve: Spacing?
  /// Whether betas are of the cosine schedule.
  let isCosine: Bool
  /// Settings of solvers.
  let solver: SolverSettings
  /// The clipping of clean latents by solvers of the DPM family.
  let thresholding: Clipping
  /// Whether clean latents are clipped.
  let clipsSample: Bool?
  /// The range to which clean latents are clipped.
  let clipRange: Float
  /// Whether the last sigma is 0, rather than the first training step's.
  let finalSigmaIsZero: Bool
  /// Ends of curves.
  let curveEnds: (minimum: Double?, maximum: Double?)
  /// Whether DPM-Solver's sigmas are even in their logarithm.
  let usesLuLambdas: Bool
  /// Whether Euler's sigmas are even in their logarithm, whatever its timesteps.
  let interpolatesLogarithms: Bool
  /// Whether Euler's timesteps are logarithms of sigma.
  let hasContinuousTimesteps: Bool
  /// Whether betas are rescaled so that the last training step is pure noise.
  let hasZeroTerminalSNR: Bool
  /// The smallest logarithm of the signal-to-noise ratio at which DPM-Solver and SA-Solver step.
  let minimumLambda: Double
  /// The betas: the variance of the noise that each training step adds.
  let betas: [Float]
  /// A line on the settings that no class has.
  let notes: [String]

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - config: `scheduler/scheduler_config.json`.
  ///   - className: the class that reads it; `_class_name` when nil.
  ///   - pipeline: what the model's pipeline gives it.
  /// - Throws: ``FormatError`` for a mistyped or unsupported setting.
  init(_ config: Config, as className: String?, _ pipeline: PipelineTimes?) throws(FormatError) {
    let own = try config.string("_class_name", default: "DDIMScheduler")
    let name = className ?? own
    guard let row = SchedulerTable.row(of: name) else {
      throw .unsupportedSetting(key: "_class_name", value: JSON.quoted(name), file: config.file)
    }
    schedulerClass = name
    continuous = try ContinuousNoise(config, of: name, pipeline)
    prediction = try Self.prediction(config, continuous)
    try config.expect(
      "timestep_spacing", ["linspace", "leading", "trailing"].map(JSONValue.string))
    spacing = try config.optionalString("timestep_spacing").flatMap(Spacing.init)
    stepsOffset = try config.optionalInteger("steps_offset")
    curve = try Self.curve(config, continuous)
    isCosine = try config.string("beta_schedule", default: "linear") == "squaredcos_cap_v2"
    solver = try SolverSettings(config)
    thresholding = try Self.thresholding(config)
    clipsSample = try config.truth("clip_sample")
    clipRange = abs(try config.float("clip_sample_range", default: 1))
    try config.expect("final_sigmas_type", ["zero", "sigma_min"])
    finalSigmaIsZero = try config.string("final_sigmas_type", default: "zero") == "zero"
    curveEnds = try Self.curveEnds(config)
    usesLuLambdas = try config.bool("use_lu_lambdas", default: false)
    interpolatesLogarithms = config.value("interpolation_type") == "log_linear"
    hasContinuousTimesteps =
      config.value("timestep_type") == "continuous" && prediction == .velocity
    // Classes that do not know the setting ignore it.
    let rescales = try config.bool("rescale_betas_zero_snr", default: false)
    hasZeroTerminalSNR = rescales && row.keys.contains("rescale_betas_zero_snr")
    minimumLambda = config.value("lambda_min_clipped")?.double ?? -.infinity
    betas = try NoiseSchedule.betas(config, of: name)
    try config.finish(ignoring: Set(SchedulerTable.rows.flatMap(\.keys)))
    notes = config.notes
  }

  /// What the model predicts.
  private static func prediction(_ config: Config, _ continuous: ContinuousNoise?)
    throws(FormatError) -> PredictionType
  {
    if case .flow = continuous { return .flow }
    let known: [PredictionType] =
      continuous == nil ? [.epsilon, .velocity, .sample] : [.epsilon, .velocity]
    try config.expect("prediction_type", known.map { .string($0.rawValue) })
    return PredictionType(rawValue: try config.string("prediction_type", default: "epsilon"))
      ?? .epsilon
  }

  /// The sigma schedule of a configuration.
  private static func curve(_ config: Config, _ continuous: ContinuousNoise?) throws(FormatError)
    -> Spacing?
  {
    if case .edm = continuous {
      try config.expect("sigma_schedule", [.string("karras"), .string("exponential")])
      return Spacing(rawValue: try config.string("sigma_schedule", default: "karras"))
    }
    let curves: [(key: String, spacing: Spacing)] = [
      ("use_karras_sigmas", .karras), ("use_exponential_sigmas", .exponential),
      ("use_beta_sigmas", .beta),
    ]
    var found: Spacing?
    for (key, spacing) in curves where try config.bool(key, default: false) {
      if found != nil {
        throw .unsupportedSetting(key: key, value: "true with another curve", file: config.file)
      }
      found = spacing
    }
    return found
  }

  /// The ends of curves; those of EDM are of its noise.
  private static func curveEnds(_ config: Config) throws(FormatError) -> (
    minimum: Double?, maximum: Double?
  ) {
    let ends = try (config.optionalDouble("sigma_min"), config.optionalDouble("sigma_max"))
    for (key, end) in [("sigma_min", ends.0), ("sigma_max", ends.1)] {
      guard let end, end <= 0 else { continue }
      throw .unsupportedSetting(key: key, value: "\(end)", file: config.file)
    }
    return ends
  }

  private static func thresholding(_ config: Config) throws(FormatError) -> Clipping {
    let ratio = try config.float("dynamic_thresholding_ratio", default: 0.995)
    let maximum = try config.float("sample_max_value", default: 1)
    guard try config.bool("thresholding", default: false) else { return .none }
    guard (0...1).contains(ratio) else {
      throw .unsupportedSetting(
        key: "dynamic_thresholding_ratio", value: "\(ratio)", file: config.file)
    }
    guard maximum > 0 else {
      throw .unsupportedSetting(key: "sample_max_value", value: "\(maximum)", file: config.file)
    }
    return .dynamic(ratio: ratio, maximum: maximum)
  }
}
