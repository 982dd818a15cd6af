import LanternPlatform
import LanternFormats

/// A continuous noise schedule, of models that were not trained on a table of steps.
enum ContinuousNoise: Sendable, Equatable {
  /// `clean + sigma · noise` between two sigmas, for data of a known deviation (Karras et al. 2022,
  /// arXiv:2206.00364, table 1).
  case edm(ends: ClosedRange<Double>, dataDeviation: Double)
  /// `(1 − t) · clean + t · noise`, the straight path of flow matching (Lipman et al. 2022,
  /// arXiv:2210.02747).
  case flow(FlowTimes)

  /// Classes of diffusers with a continuous schedule.
  static let classes = [
    "EDMEulerScheduler", "EDMDPMSolverMultistepScheduler", "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler", "SCMScheduler",
  ]

  /// Whether a class has it by its settings: DPM-Solver over a flow.
  private static func isFlow(_ config: Config, _ schedulerClass: String) throws(FormatError)
    -> Bool
  {
    guard schedulerClass == "DPMSolverMultistepScheduler",
      try config.bool("use_flow_sigmas", default: false)
    else { return false }
    try config.expect("prediction_type", ["flow_prediction"])
    return true
  }

  /// Reads the settings of a class; nil for a class with a table.
  ///
  /// - Throws: ``FormatError`` for a mistyped or unsupported setting.
  init?(_ config: Config, of schedulerClass: String, _ pipeline: PipelineTimes?)
    throws(FormatError)
  {
    let isFlow = try Self.isFlow(config, schedulerClass)
    guard isFlow || Self.classes.contains(schedulerClass) else { return nil }
    if schedulerClass.hasPrefix("EDM") {
      let low = try config.double("sigma_min", default: 0.002)
      let high = try config.double("sigma_max", default: 80)
      let data = try config.double("sigma_data", default: 0.5)
      try config.expect("rho", [.number(7)])
      guard low > 0, low < high, data > 0 else {
        throw .unsupportedSetting(
          key: "sigma_min", value: "\(low) to \(high), data \(data)", file: config.file)
      }
      self = .edm(ends: low...high, dataDeviation: data)
    } else {
      self = .flow(try FlowTimes(config, as: schedulerClass, of: pipeline))
    }
  }

  /// Samplers that need no table.
  var samplers: [String] {
    let shared = ["dpm++2m", "dpm++2m_sde", "dpm++3m_sde", "euler", "heun"]
    // At the first level of a flow, without clean latent, sigma is infinite.
    return if case .edm = self { shared + ["euler_a", "lms"] } else { shared + ["lcm"] }
  }

  /// Spacings that need no table.
  static let spacings: [Spacing] = [
    .discrete, .karras, .exponential, .polyexponential, .beta, .klOptimal,
  ]

  /// Levels for a number of steps, noisiest first.
  ///
  /// - Parameters:
  ///   - count: 1 or more.
  ///   - curve: the sigma schedule; where it is none, evenly in time for flows and Karras' for EDM.
  ///   - trainingSteps: the scale of a flow's timesteps.
  ///   - tokens: of the picture, by which a flow's shift may go.
  /// - Returns: a level for each step.
  func levels(_ count: Int, _ curve: Spacing, trainingSteps: Int, tokens: Int) -> [NoiseLevel] {
    switch self {
    case .edm(let ends, _):
      let sigmas = Self.curve(curve, count, ends) ?? Curves.karras(count, over: ends)
      return sigmas.map { sigma in
        let sigma = Float(sigma)
        return NoiseLevel(timestep: 0.25 * log(sigma), sigma: Double(sigma))
      }
    case .flow(let flow):
      let times = flow.times(count, tokens: tokens, trainingSteps: trainingSteps)
      let ends = (times.last ?? 0)...(times.first ?? 1)
      return (Self.curve(curve, count, ends) ?? times).map { time in
        let time = Float(time)
        let (clean, noise) = (Double(1 - time), Double(time))
        let timestep = time * Float(trainingSteps)
        return NoiseLevel(
          timestep: flow.isOfSolver ? timestep.rounded(.down) : timestep,
          alphaBar: clean * clean / (clean * clean + noise * noise))
      }
    }
  }

  private static func curve(_ spacing: Spacing, _ count: Int, _ ends: ClosedRange<Double>)
    -> [Double]?
  {
    switch spacing {
    case .karras: Curves.karras(count, over: ends)
    case .exponential: Curves.polyexponential(count, over: ends, rho: 1)
    case .polyexponential: Curves.polyexponential(count, over: ends, rho: 2)
    case .beta: Curves.beta(count, over: ends)
    case .klOptimal: Curves.klOptimal(count, over: ends)
    default: nil
    }
  }
}
