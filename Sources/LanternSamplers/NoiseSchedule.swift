package import LanternFormats

/// What the model was trained to predict.
public enum PredictionType: String, Sendable, CaseIterable {
  /// The noise (Ho et al. 2020).
  case epsilon
  /// `alpha · noise − deviation · clean` (Salimans & Ho 2022, arXiv:2202.00512).
  case velocity = "v_prediction"
  /// The clean latent.
  case sample
  /// `noise − clean`, the flow along the straight path between them (Liu et al. 2022,
  /// arXiv:2209.03003).
  case flow = "flow_prediction"
}

/// How noisy each training step was, and how the model's folder wants sampling to go: the contents
/// of `scheduler/scheduler_config.json`.
///
/// As in diffusers, any sampler may be used with any folder: it takes the settings it knows, and
/// where the file leaves one out, its own default.
public struct NoiseSchedule: Sendable {
  /// The class of diffusers that the file was written for.
  public let schedulerClass: String
  /// ᾱ of each training step, f32 as the reference has it; of noise without such a table, of levels
  /// that ``trainingSteps`` steps would have.
  public let alphaBars: [Float]
  /// Noise that is no table of training steps.
  let continuous: ContinuousNoise?
  /// What the model predicts.
  public let prediction: PredictionType
  /// Whose conventions levels follow.
  public var convention = Convention.diffusers
  /// How timesteps are spaced: linspace, leading or trailing; each sampler's own way when nil.
  let fileSpacing: Spacing?
  /// Which curve sigmas follow: Karras', exponential or beta.
  let fileCurve: Spacing?
  /// Whether the file asks a solver of the DPM family for fresh noise.
  let asksForNoise: Bool
  /// Whether betas are those of ``betas(_:)``'s cosine.
  let isCosine: Bool
  /// What solvers of the DPM family do to clean latents.
  let thresholding: Clipping
  // Settings that samplers read, nil where the file leaves them out and each has its own default.
  let setsAlphaToOne: Bool?
  let varianceType: String
  let solverOrder: Int
  let solverType: String?
  let lowerOrderFinal: Bool?
  let eulerAtFinal: Bool
  private let distillationSteps: Int
  let timestepScaling: Double
  let predictorOrder: Int
  let correctorOrder: Int
  private let hasZeroTerminalSNR: Bool
  let finalSigmaIsZero: Bool
  private let stepsOffset: Int?
  private let clipsSample: Bool?
  private let clipRange: Float
  private let correctsForLatents: Bool
  private let refusals: [String: FormatError]

  /// Number of steps of the solver that a distilled model learnt from.
  var originalSteps: Int { min(max(distillationSteps, 1), trainingSteps) }

  /// Number of training steps.
  public var trainingSteps: Int { alphaBars.count }

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - config: `scheduler/scheduler_config.json`.
  ///   - correctsForLatents: whether `steps_offset` is taken to be 1 and `clip_sample` false,
  ///     whatever the file says of them. So it is in diffusers' `StableDiffusionPipeline` and its
  ///     kin, which mend files older than these settings.
  /// - Throws: ``SamplerError/file(_:)`` for a mistyped or unsupported one,
  ///   ``SamplerError/inconsistent(reason:file:)`` for impossible numbers.
  package init(_ config: Config, correctsForLatents: Bool = true) throws(SamplerError) {
    let betas: [Float]
    do throws(FormatError) {
      schedulerClass = try config.string("_class_name", default: "DDIMScheduler")
      try config.expect("_class_name", Self.knownClasses.map(JSONValue.string))
      continuous = try ContinuousNoise(config, of: schedulerClass)
      prediction = try Self.prediction(config, continuous)
      try config.expect(
        "timestep_spacing", ["linspace", "leading", "trailing"].map(JSONValue.string))
      fileSpacing = try config.optionalString("timestep_spacing").flatMap(Spacing.init)
      stepsOffset = try config.optionalInteger("steps_offset")
      fileCurve = try Self.curve(config, continuous)
      isCosine = try config.string("beta_schedule", default: "linear") == "squaredcos_cap_v2"
      let algorithm = try config.string("algorithm_type", default: "")
      asksForNoise = algorithm.hasPrefix("sde-")
      thresholding = try Self.thresholding(config)
      clipsSample = try config.optionalBool("clip_sample")
      clipRange = abs(try config.float("clip_sample_range", default: 1))
      setsAlphaToOne = try config.optionalBool("set_alpha_to_one")
      varianceType = try config.string("variance_type", default: "fixed_small")
      solverOrder = try config.integer("solver_order", default: 2)
      solverType = try config.optionalString("solver_type")
      lowerOrderFinal = try config.optionalBool("lower_order_final")
      eulerAtFinal = try config.bool("euler_at_final", default: false)
      try config.expect("final_sigmas_type", [.string("zero"), .string("sigma_min")])
      finalSigmaIsZero = try config.string("final_sigmas_type", default: "zero") == "zero"
      distillationSteps = try config.integer("original_inference_steps", default: 50)
      timestepScaling = try config.double("timestep_scaling", default: 10)
      predictorOrder = try config.integer("predictor_order", default: 2)
      correctorOrder = try config.integer("corrector_order", default: 2)
      hasZeroTerminalSNR = try config.bool("rescale_betas_zero_snr", default: false)
      betas = try Self.betas(config)
      refusals = Self.refusals(config, hasEnds: continuous != nil)
      try config.finish(ignoring: Self.harmless)
    } catch {
      throw .file(error)
    }
    var bars = Self.cumulativeProduct(betas)
    if hasZeroTerminalSNR { bars = Self.withZeroTerminalSNR(bars) }
    if let continuous {
      let levels = continuous.levels(bars.count, .discrete, trainingSteps: bars.count)
      bars = levels.reversed().map { Float($0.alphaBar) }
    }
    guard continuous != nil || bars.count > 1, bars.dropLast().allSatisfy({ 0 < $0 && $0 <= 1 }),
      continuous != nil || bars.dropLast().allSatisfy({ $0 < 1 }),
      bars.suffix(1).allSatisfy({ 0 <= $0 && $0 < 1 })
    else {
      throw .inconsistent(
        reason: "there must be 2 betas or more, each between 0 and 1", file: config.file)
    }
    guard (0..<bars.count).contains(stepsOffset ?? 0) else {
      throw .inconsistent(
        reason: "steps_offset must lie within the \(bars.count) training steps", file: config.file)
    }
    alphaBars = bars
    self.correctsForLatents = correctsForLatents
  }

  /// By how much leading timesteps are moved up.
  ///
  /// - Parameter sampler: the class of diffusers that the sampler equals.
  /// - Returns: a number of training steps.
  func stepsOffset(for sampler: String) -> Int {
    mends(sampler, isGiven: stepsOffset != nil) ? 1 : stepsOffset ?? 0
  }

  /// What samplers that heed `clip_sample` do to clean latents.
  ///
  /// - Parameters:
  ///   - sampler: the class of diffusers that the sampler equals.
  ///   - standard: whether it clips where the file says nothing.
  ///   - thresholds: whether it heeds `thresholding` too.
  /// - Returns: nothing, a range, or dynamic thresholding.
  func clipping(
    for sampler: String, default standard: Bool, thresholds: Bool = true
  ) -> Clipping {
    let thresholding = thresholds ? thresholding : .none
    let clips = !mends(sampler, isGiven: clipsSample != nil) && (clipsSample ?? standard)
    return thresholding == .none && clips ? .range(clipRange) : thresholding
  }

  /// Whether a setting is corrected. Diffusers' pipelines do so where the file gives it, or where
  /// the file's own class knows it; a sampler put in that one's place begins with its own default
  /// again.
  private func mends(_ sampler: String, isGiven: Bool) -> Bool {
    correctsForLatents && (isGiven || schedulerClass == sampler)
  }

  /// The deviation of the data that a model was trained on, where its answers are made of that
  /// (Karras et al. 2022, table 1).
  public var dataDeviation: Double? {
    if case .edm(_, let deviation) = continuous { deviation } else { nil }
  }

  /// Whether its noise is no table of training steps, and the same in every program.
  package var isContinuous: Bool { continuous != nil }

  /// Whether the model predicts a flow.
  var isFlow: Bool { prediction == .flow }

  /// Checks that a sampler can step over this noise.
  ///
  /// - Throws: ``SamplerError/unsuited(name:scheduler:suited:)``.
  func check(sampler: String) throws(SamplerError) {
    guard let continuous, !continuous.samplers.contains(sampler) else { return }
    throw .unsuited(name: sampler, scheduler: schedulerClass, suited: continuous.samplers)
  }

  /// Checks that this noise can be spaced so.
  ///
  /// - Throws: ``SamplerError/unsuited(name:scheduler:suited:)``.
  func check(spacing: Spacing?) throws(SamplerError) {
    guard let spacing, isContinuous, !ContinuousNoise.spacings.contains(spacing) else { return }
    throw .unsuited(
      name: "schedule \(spacing.rawValue)", scheduler: schedulerClass,
      suited: ContinuousNoise.spacings.map(\.rawValue))
  }

  /// Checks that the file does not ask a sampler for what it does not have.
  ///
  /// - Parameter sampler: the class of diffusers that the sampler equals. Settings of other classes
  ///   have no effect on it, and are not looked at.
  /// - Throws: ``SamplerError/file(_:)``.
  func check(for sampler: String) throws(SamplerError) {
    if let error = refusals[sampler] { throw .file(error) }
  }

  /// Classes with this kind of noise schedule, whose files diffusers lets one another read.
  private static let knownClasses =
    [
      "DDIMScheduler", "DDPMScheduler", "DEISMultistepScheduler", "DPMSolverMultistepScheduler",
      "DPMSolverSDEScheduler", "DPMSolverSinglestepScheduler", "EulerAncestralDiscreteScheduler",
      "EulerDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
      "KDPM2DiscreteScheduler", "LCMScheduler", "LMSDiscreteScheduler", "PNDMScheduler",
      "SASolverScheduler", "TCDScheduler", "UniPCMultistepScheduler",
    ] + ContinuousNoise.classes

  /// Settings that change nothing, or that samplers which are not here would read.
  private static let harmless: Set<String> = [
    "base_image_seq_len", "base_shift", "flow_shift", "max_image_seq_len", "max_shift",
    "shift_terminal",
    "solver_p", "time_shift_type",
  ]

  /// What the model predicts.
  private static func prediction(_ config: Config, _ continuous: ContinuousNoise?)
    throws(FormatError)
    -> PredictionType
  {
    if case .flow = continuous { return .flow }
    let known: [PredictionType] =
      continuous == nil ? [.epsilon, .velocity, .sample] : [.epsilon, .velocity]
    try config.expect("prediction_type", known.map { .string($0.rawValue) })
    return PredictionType(rawValue: try config.string("prediction_type", default: "epsilon"))
      ?? .epsilon
  }

  /// The curve that a file asks for.
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
        throw .unsupportedSetting(key: key, value: "true beside another curve", file: config.file)
      }
      found = spacing
    }
    return found
  }

  /// For each class, the first of its settings that changes results in a way that is not here.
  private static func refusals(_ config: Config, hasEnds: Bool) -> [String: FormatError] {
    typealias Setting = (key: String, values: [JSONValue])
    let off: [JSONValue] = [.bool(false)]
    let types = ["midpoint", "heun", "bh1", "bh2", "logrho"].map(JSONValue.string)
    let orders = (1...3).map { JSONValue.integer($0) }
    let curves: [Setting] = [("use_flow_sigmas", off), ("use_dynamic_shifting", off)]
    let ends: [Setting] = hasEnds ? [] : [("sigma_min", []), ("sigma_max", [])]
    let algorithms: Setting = (
      "algorithm_type", [.string("dpmsolver++"), .string("sde-dpmsolver++"), .string("deis")]
    )
    let clipped: Setting = ("lambda_min_clipped", [.number(-.infinity)])
    let known: [String: [Setting]] = [
      "DDPMScheduler": [
        ("variance_type", ["fixed_small", "fixed_small_log", "fixed_large"].map(JSONValue.string))
      ],
      "EulerDiscreteScheduler": [
        ("interpolation_type", [.string("linear")]), ("timestep_type", [.string("discrete")]),
      ] + ends,
      "DPMSolverMultistepScheduler": [
        algorithms, ("solver_order", orders), ("solver_type", types), clipped,
        ("use_lu_lambdas", off),
      ] + curves + ends,
      "DPMSolverSinglestepScheduler": [
        algorithms, ("solver_order", orders), ("solver_type", types), clipped,
      ] + curves,
      "DEISMultistepScheduler": [("solver_order", orders), ("solver_type", types)] + curves,
      "PNDMScheduler": [("skip_prk_steps", [.bool(true)])],
      "SASolverScheduler": [
        ("predictor_order", orders), ("corrector_order", orders), clipped,
        ("algorithm_type", algorithms.values + [.string("data_prediction")]),
      ] + curves,
      "UniPCMultistepScheduler": [
        ("solver_order", orders), ("solver_type", types), ("predict_x0", [.bool(true)]),
        ("disable_corrector", [.array([])]),
      ] + curves + ends,
    ]
    return known.compactMapValues { settings in
      var refusal: FormatError?
      for (key, values) in settings {
        do throws(FormatError) {
          try config.expect(key, values)
        } catch {
          refusal = refusal ?? error
        }
      }
      return refusal
    }
  }

  private static func thresholding(_ config: Config) throws(FormatError) -> Clipping {
    let ratio = try config.float("dynamic_thresholding_ratio", default: 0.995)
    let most = try config.float("sample_max_value", default: 1)
    guard try config.bool("thresholding", default: false) else { return .none }
    guard (0...1).contains(ratio) else {
      throw .unsupportedSetting(
        key: "dynamic_thresholding_ratio", value: "\(ratio)", file: config.file)
    }
    guard most > 0 else {
      throw .unsupportedSetting(key: "sample_max_value", value: "\(most)", file: config.file)
    }
    return .dynamic(ratio: ratio, most: most)
  }

  /// ᾱ as the samplers that divide by it want it: never 0.
  var positiveAlphaBars: [Double] {
    var bars = alphaBars.map { Double($0) }
    if hasZeroTerminalSNR { bars[bars.count - 1] = 0x1p-24 }
    return bars
  }

  /// The ratio of noise to clean latent at each training step.
  var sigmas: [Double] { positiveAlphaBars.map { ((1 - $0) / $0).squareRoot() } }

  /// Where samplers that step over sigmas end.
  var lastLevel: NoiseLevel {
    if finalSigmaIsZero { return .clean }
    if case .edm(let ends, _) = continuous {
      return NoiseLevel(timestep: 0, sigma: Double(Float(ends.lowerBound)))
    }
    return NoiseLevel(timestep: 0, alphaBar: Double(alphaBars[0]))
  }
}
