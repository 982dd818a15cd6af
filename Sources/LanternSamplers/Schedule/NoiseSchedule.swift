import LanternPlatform
package import LanternFormats

/// The prediction type: what the model was trained to predict.
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

/// The noise schedule of a model: the noise of each training step, and the settings of
/// `scheduler/scheduler_config.json`.
///
/// As in diffusers, any sampler may be used with any configuration: it reads the settings of its class, and
/// has a default for those that are absent.
public struct NoiseSchedule: Sendable {
  /// ᾱ of each training step, f32 as in the reference; of a continuous schedule, at ``trainingSteps``
  /// levels.
  public let alphaBars: [Float]
  /// The convention of levels.
  public var convention = Convention.diffusers
  /// Whether the run is inpainting, for which diffusers has a pipeline of its own.
  package var fillsHoles = false
  /// Tokens of the picture, as the model has it, by which the shift of a flow may go.
  package var tokens = 4096
  /// The settings of the configuration.
  let settings: SchedulerConfig
  /// The support of these settings by each class.
  let support: SchedulerSupport
  /// The number of noisiest training steps that DPM-Solver and SA-Solver leave out.
  let clippedSteps: Int
  private let correctsForLatents: Bool

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - config: `scheduler/scheduler_config.json`.
  ///   - className: the class that reads it, as `model_index.json` has it; `_class_name` of the
  ///     configuration when nil.
  ///   - correctsForLatents: whether `steps_offset` is taken to be 1 and `clip_sample` false,
  ///     whatever the configuration has, as in diffusers' `StableDiffusionPipeline` and its
  ///     variants, which correct configurations older than these settings.
  ///   - pipeline: what the model's pipeline gives its scheduler; nil where that has all by itself.
  /// - Throws: ``SamplerError/file(_:)`` for a mistyped or unsupported setting,
  ///   ``SamplerError/inconsistent(reason:file:)`` for impossible numbers.
  package init(
    _ config: Config, as className: String? = nil, correctsForLatents: Bool = true,
    times pipeline: PipelineTimes? = nil
  ) throws(SamplerError) {
    let settings: SchedulerConfig
    do throws(FormatError) {
      settings = try SchedulerConfig(config, as: className, pipeline)
    } catch {
      throw .file(error)
    }
    let bars = Self.alphaBars(settings)
    let isTable = settings.continuous == nil
    guard !isTable || bars.count > 1, bars.dropLast().allSatisfy({ 0 < $0 && $0 <= 1 }),
      !isTable || bars.dropLast().allSatisfy({ $0 < 1 }),
      bars.suffix(1).allSatisfy({ 0 <= $0 && $0 < 1 })
    else {
      throw .inconsistent(
        reason: "there must be 2 betas or more, each between 0 and 1", file: config.file)
    }
    guard (0..<bars.count).contains(settings.stepsOffset ?? 0) else {
      throw .inconsistent(
        reason: "steps_offset must lie within the \(bars.count) training steps", file: config.file)
    }
    let minimum = settings.minimumLambda
    clippedSteps = bars.count(where: { 0.5 * log(Double($0) / (1 - Double($0))) < minimum })
    guard clippedSteps < bars.count - 1 else {
      throw .inconsistent(
        reason: "lambda_min_clipped leaves none of the training steps", file: config.file)
    }
    support = SchedulerSupport(config, of: settings.schedulerClass)
    alphaBars = bars
    self.settings = settings
    self.correctsForLatents = correctsForLatents
  }

  /// A schedule of a scheduler's settings.
  ///
  /// - Parameter json: a `scheduler_config.json` of diffusers; what is missing has its class's default.
  /// - Throws: ``SamplerError/file(_:)`` for text that is no JSON and for a mistyped or unsupported
  ///   setting, ``SamplerError/inconsistent(reason:file:)`` for impossible numbers.
  public init(json: String) throws(SamplerError) {
    let file = "scheduler_config.json"
    let parsed = Array(json.utf8).withUnsafeBytes { bytes in
      Result { () throws(FormatError) in try JSON.parse(bytes, file: file) }
    }
    let value: JSONValue
    do throws(FormatError) { value = try parsed.get() } catch { throw .file(error) }
    guard let members = value.object else {
      throw .file(.malformedJSON(file: file, at: 0, reason: "an object { … } should be here"))
    }
    try self.init(Config(members, file: file), correctsForLatents: false)
  }

  /// ᾱ of each training step.
  private static func alphaBars(_ settings: SchedulerConfig) -> [Float] {
    var bars = cumulativeProduct(settings.betas)
    if settings.hasZeroTerminalSNR { bars = withZeroTerminalSNR(bars) }
    guard let continuous = settings.continuous else { return bars }
    let levels = continuous.levels(
      bars.count, .discrete, trainingSteps: bars.count, tokens: 256)
    return levels.reversed().map { Float($0.alphaBar) }
  }

  /// The class of diffusers that reads the configuration, whose defaults apply.
  public var schedulerClass: String { settings.schedulerClass }

  /// What the model predicts.
  public var prediction: PredictionType { settings.prediction }

  /// Number of training steps.
  public var trainingSteps: Int { alphaBars.count }

  /// The deviation of the data that a model was trained on, where its prediction is scaled by it
  /// (Karras et al. 2022, table 1).
  public var dataDeviation: Double? {
    if case .edm(_, let deviation) = continuous { deviation } else { nil }
  }

  /// Whether the schedule is continuous, and so the same in every program.
  package var isContinuous: Bool { continuous != nil }

  /// The continuous schedule; nil for a table of training steps.
  var continuous: ContinuousNoise? { settings.continuous }

  /// Whether the model predicts a flow.
  var isFlow: Bool { prediction == .flow }

  /// Settings of solvers.
  var solver: SolverSettings { settings.solver }

  /// Number of solver steps of the distillation.
  var originalSteps: Int { min(max(solver.distillationSteps, 1), trainingSteps) }

  /// The offset of leading timesteps.
  ///
  /// - Parameter sampler: the class of diffusers that the sampler equals.
  /// - Returns: a number of training steps.
  func stepsOffset(for sampler: String) -> Int {
    corrects(sampler, isGiven: settings.stepsOffset != nil) ? 1 : settings.stepsOffset ?? 0
  }

  /// The clipping of clean latents by samplers that read `clip_sample`.
  ///
  /// - Parameters:
  ///   - sampler: the class of diffusers that the sampler equals.
  ///   - defaultValue: whether it clips without that setting.
  ///   - thresholds: whether it reads `thresholding` too.
  /// - Returns: no clipping, a range, or dynamic thresholding.
  func clipping(
    for sampler: String, default defaultValue: Bool, thresholds: Bool = true
  ) -> Clipping {
    let thresholding = thresholds ? settings.thresholding : .none
    // The inpainting pipeline does not correct it.
    let isCorrected = corrects(sampler, isGiven: settings.clipsSample != nil) && !fillsHoles
    let clips = !isCorrected && (settings.clipsSample ?? defaultValue)
    return thresholding == .none && clips ? .range(settings.clipRange) : thresholding
  }

  /// Whether a setting is corrected. Diffusers' pipelines do so where the configuration has it, or its
  /// class knows it; another class in its stead begins with a default of its own.
  private func corrects(_ sampler: String, isGiven: Bool) -> Bool {
    correctsForLatents && (isGiven || schedulerClass == sampler)
  }

  /// ᾱ of each training step, never 0, for samplers that divide by it.
  private var positiveAlphaBars: [Double] {
    var bars = alphaBars.map { Double($0) }
    if settings.hasZeroTerminalSNR { bars[bars.count - 1] = 0x1p-24 }
    return bars
  }

  /// The ratio of noise to clean latent at each training step.
  var sigmas: [Double] { positiveAlphaBars.map { ((1 - $0) / $0).squareRoot() } }

  /// The last level of samplers over sigmas.
  var lastLevel: NoiseLevel {
    if settings.finalSigmaIsZero { return .clean }
    if case .edm(let ends, _) = continuous {
      return NoiseLevel(timestep: 0, sigma: Double(Float(ends.lowerBound)))
    }
    return firstTrainingLevel
  }

  /// The level of the first training step, of minimum noise.
  var firstTrainingLevel: NoiseLevel {
    NoiseLevel(timestep: 0, alphaBar: Double(alphaBars[0]))
  }
}
