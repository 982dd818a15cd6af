import LanternFormats
import LanternPlatform

/// The times of a flow: from 1, pure noise, towards 0, moved towards noise (Esser et al. 2024, arXiv:2403.03206,
/// equation 23).
struct FlowTimes: Sendable, Equatable {
  /// How far they are moved: t becomes shift · t / (1 + (shift − 1) · t).
  private let shift: Double
  /// How far they are moved for a picture of so many tokens; ``shift`` where nil.
  private let dynamic: DynamicShift?
  /// Whether μ is the shift itself, as with `time_shift_type` `linear`, rather than its logarithm.
  private let isLinear: Bool
  /// What the pipeline gives the scheduler; nil where that has all by itself.
  private let pipeline: PipelineTimes?
  private let kind: Kind

  /// The class of scheduler whose times they are.
  private enum Kind: Sendable, Equatable {
    /// Of flows: `FlowMatchEulerDiscreteScheduler` and its kin.
    case flow
    /// Of DPM-Solver over a flow, as SANA has it: even times from just below 1, shifted.
    case solver
    /// Of consistency models over a flow, as SANA-Sprint has it: angles of a circle (Lu & Song 2024, arXiv:2410.11081).
    case consistency
  }

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - config: `scheduler/scheduler_config.json`.
  ///   - schedulerClass: the class that reads it.
  ///   - pipeline: what the model's pipeline gives its scheduler.
  /// - Throws: ``FormatError`` for a mistyped or unsupported setting.
  init(_ config: Config, as schedulerClass: String, of pipeline: PipelineTimes?)
    throws(FormatError)
  {
    kind =
      switch schedulerClass {
      case "DPMSolverMultistepScheduler": .solver
      case "SCMScheduler": .consistency
      default: .flow
      }
    for key in ["invert_sigmas", "stochastic_sampling"] {
      try config.expect(key, [.bool(false)])
    }
    // Without a pipeline that gives it μ, the scheduler cannot be used so.
    if pipeline == nil { try config.expect("use_dynamic_shifting", [.bool(false)]) }
    try config.expect("shift_terminal", [])
    try config.expect("time_shift_type", ["exponential", "linear"])
    let key = kind == .solver ? "flow_shift" : "shift"
    shift = kind == .consistency ? 1 : try config.double(key, default: 1)
    guard shift > 0 else {
      throw .unsupportedSetting(key: key, value: "\(shift)", file: config.file)
    }
    isLinear = try config.string("time_shift_type", default: "exponential") == "linear"
    let isDynamic = try config.bool("use_dynamic_shifting", default: false)
    dynamic =
      if isDynamic, let pipeline { try DynamicShift(pipeline.shift, config) } else { nil }
    self.pipeline = pipeline
  }

  /// Whether they are DPM-Solver's: the model is given integer timesteps, and the first latent, which has a share of the
  /// clean one, is noise alone.
  var isOfSolver: Bool { kind == .solver }

  /// Times for a number of steps, noisiest first.
  ///
  /// - Parameters:
  ///   - count: 1 or more.
  ///   - tokens: of the picture, as the model has it.
  ///   - trainingSteps: the scale of timesteps.
  /// - Returns: a time for each step.
  func times(_ count: Int, tokens: Int, trainingSteps: Int) -> [Double] {
    func even(to last: Double) -> [Double] {
      (0..<count).map { count > 1 ? 1 + (last - 1) * Double($0) / Double(count - 1) : 1 }
    }
    func shifted(_ time: Double) -> Double { shift * time / (1 + (shift - 1) * time) }
    switch kind {
    case .flow: break
    case .solver:
      let top = 1 - 1 / Double(trainingSteps)
      return (0..<count).map { shifted(top * Double(count - $0) / Double(count)) }
    case .consistency:
      // In radians from a quarter of a turn; of two steps the second is where the reference has it.
      let angles: [Float] =
        count == 2
        ? [1.5708, 1.3] : (0..<count).map { 1.5708 * (1 - Float($0) / Float(count)) }
      return angles.map { Double(sin($0) / (cos($0) + sin($0))) }
    }
    guard pipeline != nil else {
      // The reference shifts the ends once and then all times again.
      return even(to: Double(Float(shifted(1 / Double(trainingSteps))))).map(shifted)
    }
    // A pipeline's are f32 in the reference, and so is what is computed of them.
    let times = even(to: 1 / Double(count)).map { Float($0) }
    guard let mu = dynamic?.mu(tokens: tokens, steps: count) else {
      return times.map { Double(Float(shift) * $0 / (1 + Float(shift - 1) * $0)) }
    }
    let factor = Float(isLinear ? mu : exp(mu))
    return times.map { Double(factor / (factor + (1 / $0 - 1))) }
  }
}

/// What a pipeline of diffusers gives its scheduler besides the number of steps: even times from 1 to 1/steps, and μ
/// where shifting is dynamic.
package struct PipelineTimes: Sendable, Equatable {
  /// How μ follows from the picture's size.
  package enum Shift: Sendable, Equatable {
    /// On the line through the scheduler's `base_shift` and `max_shift` (FLUX.1).
    case line
    /// As BFL fitted it to sizes and steps (FLUX.2).
    case empirical
  }

  package let shift: Shift

  package init(_ shift: Shift) { self.shift = shift }
}

/// μ of a picture's tokens: larger pictures need more noise.
private enum DynamicShift: Sendable, Equatable {
  case line(start: Double, slope: Double)
  case empirical

  init(_ shift: PipelineTimes.Shift, _ config: Config) throws(FormatError) {
    guard shift == .line else {
      self = .empirical
      return
    }
    let base = try config.double("base_image_seq_len", default: 256)
    let most = try config.double("max_image_seq_len", default: 4096)
    let low = try config.double("base_shift", default: 0.5)
    let high = try config.double("max_shift", default: 1.15)
    guard base < most, base >= 0 else {
      throw .unsupportedSetting(key: "max_image_seq_len", value: "\(most)", file: config.file)
    }
    let slope = (high - low) / (most - base)
    self = .line(start: low - slope * base, slope: slope)
  }

  func mu(tokens: Int, steps: Int) -> Double {
    let count = Double(tokens)
    switch self {
    case .line(let start, let slope): return start + slope * count
    case .empirical:
      let many = 0.00016927 * count + 0.45666666
      guard tokens <= 4300 else { return many }
      // A line through 10 and 200 steps.
      let few = 8.73809524e-05 * count + 1.89833333
      let slope = (many - few) / 190
      return slope * Double(steps) + many - 200 * slope
    }
  }
}
