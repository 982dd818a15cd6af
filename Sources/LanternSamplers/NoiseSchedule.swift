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
  /// The class of diffusers that reads the file, whose defaults hold where it says nothing.
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
  /// Whether a picture's holes are filled, for which diffusers has a pipeline of its own.
  package var fillsHoles = false
  /// How timesteps are spaced: linspace, leading or trailing; each sampler's own way when nil.
  let fileSpacing: Spacing?
  /// Which curve sigmas follow: Karras', exponential or beta.
  let fileCurve: Spacing?
  /// What solvers are asked for.
  let solver: SolverSettings
  /// Whether betas are those of ``betas(_:of:)``'s cosine.
  let isCosine: Bool
  /// What solvers of the DPM family do to clean latents.
  let thresholding: Clipping
  /// Ends of curves, where the file has its own.
  let curveEnds: (least: Double?, most: Double?)
  /// Whether DPM-Solver's sigmas are even in their logarithm.
  let usesLuLambdas: Bool
  /// How many of the noisiest training steps DPM-Solver and SA-Solver leave out.
  let clippedSteps: Int
  /// Whether Euler's sigmas are even in their logarithm, whatever its timesteps.
  let interpolatesLogarithms: Bool
  /// Whether Euler tells the model the logarithm of sigma for a timestep.
  let hasContinuousTimesteps: Bool
  let finalSigmaIsZero: Bool
  private let hasZeroTerminalSNR: Bool
  private let stepsOffset: Int?
  private let clipsSample: Bool?
  private let clipRange: Float
  private let correctsForLatents: Bool
  /// By class, what of the file it does not have here.
  private let refusals: [String: FormatError]
  /// By class, what is to be told of the file.
  private let notesByClass: [String: [String]]
  /// Settings of the file that no class has: a line.
  package let fileNotes: [String]

  /// Number of steps of the solver that a distilled model learnt from.
  var originalSteps: Int { min(max(solver.distillationSteps, 1), trainingSteps) }

  /// Number of training steps.
  public var trainingSteps: Int { alphaBars.count }

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - config: `scheduler/scheduler_config.json`.
  ///   - className: the class that reads it, as `model_index.json` has it; what the file calls itself
  ///     when nil.
  ///   - correctsForLatents: whether `steps_offset` is taken to be 1 and `clip_sample` false,
  ///     whatever the file says of them. So it is in diffusers' `StableDiffusionPipeline` and its
  ///     kin, which mend files older than these settings.
  /// - Throws: ``SamplerError/file(_:)`` for a mistyped or unsupported one,
  ///   ``SamplerError/inconsistent(reason:file:)`` for impossible numbers.
  package init(_ config: Config, as className: String? = nil, correctsForLatents: Bool = true)
    throws(SamplerError)
  {
    let betas: [Float]
    let row: SchedulerRow
    do throws(FormatError) {
      let own = try config.string("_class_name", default: "DDIMScheduler")
      let name = className ?? own
      guard let known = SchedulerTable.row(of: name) else {
        throw .unsupportedSetting(
          key: "_class_name", value: JSON.quoted(name), file: config.file)
      }
      row = known
      schedulerClass = name
      continuous = try ContinuousNoise(config, of: schedulerClass)
      prediction = try Self.prediction(config, continuous)
      try config.expect(
        "timestep_spacing", ["linspace", "leading", "trailing"].map(JSONValue.string))
      fileSpacing = try config.optionalString("timestep_spacing").flatMap(Spacing.init)
      stepsOffset = try config.optionalInteger("steps_offset")
      fileCurve = try Self.curve(config, continuous)
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
      // A class that does not know the setting reads the model as it would without.
      let rescales = try config.bool("rescale_betas_zero_snr", default: false)
      hasZeroTerminalSNR = rescales && row.keys.contains("rescale_betas_zero_snr")
      betas = try Self.betas(config, of: name)
      try config.finish(ignoring: Set(SchedulerTable.rows.flatMap(\.keys)))
      fileNotes = config.notes
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
    let least = config.value("lambda_min_clipped")?.double ?? -.infinity
    clippedSteps = bars.count(where: { 0.5 * log(Double($0) / (1 - Double($0))) < least })
    guard clippedSteps < bars.count - 1 else {
      throw .inconsistent(
        reason: "lambda_min_clipped leaves none of the training steps", file: config.file)
    }
    let name = schedulerClass
    let byName = SchedulerTable.rows.map { ($0.name, $0) }
    refusals = Dictionary(
      uniqueKeysWithValues: byName.compactMap { key, row in
        row.refusal(config, of: name).map { (key, $0) }
      })
    notesByClass = Dictionary(uniqueKeysWithValues: byName.map { ($0, $1.notes(config)) })
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
    // The pipeline that fills holes does not correct it.
    let isMended = mends(sampler, isGiven: clipsSample != nil) && !fillsHoles
    let clips = !isMended && (clipsSample ?? standard)
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

  /// Settings of the file that do nothing with a class, or less than they seem, a line each.
  package func notes(for sampler: String) -> [String] { notesByClass[sampler] ?? [] }

  /// Checks that the file does not ask a sampler for what it does not have.
  ///
  /// - Parameter sampler: the class of diffusers that the sampler equals. Settings of other classes
  ///   have no effect on it, and are not looked at.
  /// - Throws: ``SamplerError/file(_:)``.
  func check(for sampler: String) throws(SamplerError) {
    if let error = refusals[sampler] { throw .file(error) }
  }

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

  /// The ends of curves that the file gives; EDM's are those of its noise.
  private static func curveEnds(_ config: Config) throws(FormatError) -> (Double?, Double?) {
    let ends = try (config.optionalDouble("sigma_min"), config.optionalDouble("sigma_max"))
    for (key, end) in [("sigma_min", ends.0), ("sigma_max", ends.1)] {
      guard let end, end <= 0 else { continue }
      throw .unsupportedSetting(key: key, value: "\(end)", file: config.file)
    }
    return ends
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
