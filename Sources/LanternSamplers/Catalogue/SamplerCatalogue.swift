import LanternFormats

/// The catalogue of samplers: a row for each file in `Solvers/`, in alphabetical order.
public enum SamplerCatalogue {
  /// A sampler and its names.
  public struct Row: Sendable {
    /// The name, as typed on the command line.
    public let name: String
    /// Names of the same sampler in other programs.
    public let aliases: [String]
    /// A line for help: the method, and the number of steps it needs with the shipped weights.
    public let summary: String
    /// The class of diffusers that it equals, but for the differences in docs/samplers.md; nil for samplers
    /// of other origin.
    public let schedulerClass: String?
    /// The default of eta, the share of fresh noise; nil for samplers without eta.
    public let defaultEta: Float?
    let build: @Sendable (NoiseSchedule, Float) -> any Sampler

    /// The sampler for a model's schedule.
    ///
    /// - Parameters:
    ///   - schedule: the model's.
    ///   - eta: share of fresh noise, 0 to 1; ``defaultEta`` when nil.
    /// - Returns: a stateless sampler, for any number of runs.
    /// - Throws: when a setting of the schedule is not supported with this sampler, or `eta` is given to a
    ///   sampler without it.
    public func make(_ schedule: NoiseSchedule, eta: Float? = nil) throws -> any Sampler {
      try schedule.check(sampler: name)
      if let reader = reader(of: schedule) { try schedule.check(for: reader) }
      if let eta, defaultEta == nil || !(0...1).contains(eta) {
        throw SamplerError.eta(eta, sampler: name, isTaken: defaultEta != nil)
      }
      return build(schedule, eta ?? defaultEta ?? 0)
    }

    /// The class of diffusers whose rules apply to a schedule's configuration with this sampler.
    package func reader(of schedule: NoiseSchedule) -> String? {
      let isOwn = rows.contains {
        $0.schedulerClass == schedulerClass && $0.aliases.contains(schedule.schedulerClass)
      }
      return isOwn ? schedule.schedulerClass : schedulerClass
    }
  }

  /// The rows.
  public static let rows: [Row] = [
    Row(
      name: "ddim",
      aliases: ["DDIM", "ddim_uniform", "DDIMScheduler"],
      summary: "deterministic, first order; from 4 steps",
      schedulerClass: "DDIMScheduler", defaultEta: 0,
      build: { DDIM($0, eta: $1) }),
    Row(
      name: "ddpm",
      aliases: ["DDPM", "DDPMScheduler"],
      summary: "the model's own random walk; from 8 steps",
      schedulerClass: "DDPMScheduler", defaultEta: nil,
      build: { schedule, _ in DDPM(schedule) }),
    Row(
      name: "deis",
      aliases: ["DEISMultistepScheduler"],
      summary: "second order by polynomials through past noises; from 4 steps",
      schedulerClass: "DEISMultistepScheduler", defaultEta: nil,
      build: { schedule, _ in DEIS(schedule) }),
    Row(
      name: "dpm++2m",
      aliases: [
        "dpmpp2m", "dpmpp_2m", "dpm++_2m", "dpmpp", "k_dpmpp_2m", "DPM++ 2M",
        "DPMSolverMultistepScheduler", "EDMDPMSolverMultistepScheduler",
      ],
      summary: "second order with one call a step; from 4 steps",
      schedulerClass: "DPMSolverMultistepScheduler", defaultEta: nil,
      build: { schedule, _ in DPMPP2M(schedule) }),
    Row(
      name: "dpm++2m_sde",
      aliases: ["dpmpp2m_sde", "dpmpp_2m_sde", "dpm++_2m_sde", "k_dpmpp_2m_sde", "DPM++ 2M SDE"],
      summary: "as dpm++2m with fresh noise in every step; from 8 steps",
      schedulerClass: "DPMSolverMultistepScheduler", defaultEta: 1,
      build: { DPMPP2MSDE($0, eta: $1) }),
    Row(
      name: "dpm++2s_a",
      aliases: ["dpmpp2s_a", "dpmpp_2s_ancestral", "dpm++_2s_a", "k_dpmpp_2s_a", "DPM++ 2S a"],
      summary: "second order with two calls a step and fresh noise; from 8 steps",
      schedulerClass: nil, defaultEta: 1,
      build: { DPMPP2SAncestral($0, eta: $1) }),
    Row(
      name: "dpm++3m_sde",
      aliases: ["dpmpp3m_sde", "dpmpp_3m_sde", "dpm++_3m_sde", "k_dpmpp_3m_sde", "DPM++ 3M SDE"],
      summary: "third order with fresh noise in every step; from 16 steps",
      schedulerClass: nil, defaultEta: 1,
      build: { DPMPP3MSDE($0, eta: $1) }),
    Row(
      name: "dpm++sde",
      aliases: ["dpmpp_sde", "dpm++_sde", "k_dpmpp_sde", "DPM++ SDE", "DPMSolverSDEScheduler"],
      summary: "two calls a step and fresh noise in both; from 8 steps",
      schedulerClass: "DPMSolverSDEScheduler", defaultEta: 1,
      build: { DPMPPSDE($0, eta: $1) }),
    Row(
      name: "dpm2",
      aliases: ["k_dpm_2", "dpm_2", "DPM2", "KDPM2DiscreteScheduler"],
      summary: "midpoint method, two calls a step; from 16 steps",
      schedulerClass: "KDPM2DiscreteScheduler", defaultEta: nil,
      build: { schedule, _ in DPM2(schedule) }),
    Row(
      name: "dpm2_a",
      aliases: ["k_dpm_2_a", "dpm_2_ancestral", "DPM2 a", "KDPM2AncestralDiscreteScheduler"],
      summary: "dpm2 with fresh noise in every step; from 32 steps",
      schedulerClass: "KDPM2AncestralDiscreteScheduler", defaultEta: 1,
      build: { DPM2Ancestral($0, eta: $1) }),
    Row(
      name: "dpm_adaptive",
      aliases: ["dpm-adaptive", "k_dpm_adaptive", "DPM adaptive"],
      summary: "chooses its own steps, whatever number is given; exact and slow",
      schedulerClass: nil, defaultEta: nil,
      build: { schedule, _ in DPMAdaptive(schedule) }),
    Row(
      name: "dpm_singlestep",
      aliases: ["dpm-solver", "dpmsolver", "dpm_solver", "DPMSolverSinglestepScheduler"],
      summary: "second order without memory of earlier groups; from 4 steps",
      schedulerClass: "DPMSolverSinglestepScheduler", defaultEta: nil,
      build: { schedule, _ in DPMSinglestep(schedule, eta: 0) }),
    Row(
      name: "dpm_singlestep_sde",
      aliases: ["dpm-singlestep-sde", "DPM singlestep SDE"],
      summary: "as dpm_singlestep with fresh noise",
      schedulerClass: "DPMSolverSinglestepScheduler", defaultEta: 1,
      build: { DPMSinglestep($0, eta: $1) }),
    Row(
      name: "euler",
      aliases: [
        "k_euler", "Euler", "EulerDiscreteScheduler", "EDMEulerScheduler",
        "FlowMatchEulerDiscreteScheduler",
      ],
      summary: "simple and predictable, first order; from 8 steps",
      schedulerClass: "EulerDiscreteScheduler", defaultEta: nil,
      build: { schedule, _ in schedule.isFlow ? FlowEuler() as any Sampler : Euler() }),
    Row(
      name: "euler_a",
      aliases: [
        "euler-a", "eulera", "k_euler_a", "euler_ancestral", "Euler a",
        "EulerAncestralDiscreteScheduler",
      ],
      summary: "euler with fresh noise in every step, never settles; from 4 steps",
      schedulerClass: "EulerAncestralDiscreteScheduler", defaultEta: 1,
      build: { _, eta in EulerAncestral(eta: eta) }),
    Row(
      name: "heun",
      aliases: ["k_heun", "Heun", "HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"],
      summary: "second order with two calls a step; from 8 steps",
      schedulerClass: "HeunDiscreteScheduler", defaultEta: nil,
      build: { schedule, _ in schedule.isFlow ? FlowHeun() as any Sampler : Heun(schedule) }),
    Row(
      name: "ipndm",
      aliases: ["IPNDM", "IPNDMScheduler"],
      summary: "fourth order on levels of its own; from 32 steps",
      schedulerClass: nil, defaultEta: nil,
      build: { _, _ in IPNDM() }),
    Row(
      name: "lcm",
      aliases: ["LCM", "LCMScheduler", "SCMScheduler"],
      summary: "for models distilled for it: 1 to 8 steps",
      schedulerClass: "LCMScheduler", defaultEta: nil,
      build: { schedule, _ in schedule.isFlow ? FlowLCM() as any Sampler : LCM(schedule) }),
    Row(
      name: "lms",
      aliases: ["k_lms", "LMS", "LMSDiscreteScheduler"],
      summary: "fourth order with one call a step; from 8 steps",
      schedulerClass: "LMSDiscreteScheduler", defaultEta: nil,
      build: { _, _ in LMS() }),
    Row(
      name: "pndm",
      aliases: ["plms", "PLMS", "PNDM", "PNDMScheduler"],
      summary: "Stable Diffusion's own, fourth order; from 32 steps",
      schedulerClass: "PNDMScheduler", defaultEta: nil,
      build: { schedule, _ in PNDM(schedule) }),
    Row(
      name: "sa_solver",
      aliases: ["sa-solver", "SASolver", "SASolverScheduler"],
      summary: "fresh noise in the middle of the way alone; from 16 steps",
      schedulerClass: "SASolverScheduler", defaultEta: 1,
      build: { SASolver($0, eta: $1) }),
    Row(
      name: "tcd",
      aliases: ["TCD", "TCDScheduler"],
      summary: "for models distilled for it: 1 to 8 steps",
      schedulerClass: "TCDScheduler", defaultEta: 0.0,
      build: { TCD($0, eta: $1) }),
    Row(
      name: "unipc",
      aliases: ["uni_pc", "UniPC", "UniPCMultistepScheduler"],
      summary: "mends each step by the next; from 4 steps",
      schedulerClass: "UniPCMultistepScheduler", defaultEta: nil,
      build: { schedule, _ in UniPC(schedule) }),
  ]

  /// The default sampler of a model's configuration.
  public static func `default`(for schedule: NoiseSchedule) -> Row {
    Self.default(for: schedule, as: schedule.schedulerClass)
  }

  /// The sampler that equals a class, instead of that of the configuration.
  package static func `default`(for schedule: NoiseSchedule, as className: String) -> Row {
    // Classes with a continuous schedule are aliases of those with a table.
    let known = rows.first { $0.aliases.contains(className) }?.schedulerClass
    let alike = rows.filter { $0.schedulerClass == known ?? className }
    // A class of diffusers may be several samplers here, by its settings.
    let found = alike.first { ($0.defaultEta != nil) == schedule.solver.drawsNoise } ?? alike.first
    return found ?? rows[0]
  }

  /// The sampler of a name of any program, as `DPM++ 2M`, without schedule.
  ///
  /// - Parameter name: in any spelling.
  /// - Returns: its row.
  /// - Throws: ``SamplerError/unknownSampler(name:nearest:known:)``.
  public static func row(named name: String) throws(SamplerError) -> Row {
    let meaning = try meaning(of: name)
    guard meaning.spacing == nil, !meaning.usesCFGPlusPlus, meaning.notes.isEmpty else {
      throw .unknownSampler(name: name, nearest: meaning.row.name, known: rows.map(\.name))
    }
    return meaning.row
  }

  /// The spacing of a name of any program.
  ///
  /// - Throws: ``SamplerError/unknownSchedule(name:nearest:known:)``.
  package static func spacing(named name: String) throws(SamplerError) -> Spacing {
    try spacingMeaning(of: name).spacing
  }

  /// The convention of a name.
  ///
  /// - Throws: ``SamplerError/unknownConvention(name:nearest:known:)``.
  package static func convention(named name: String) throws(SamplerError) -> Convention {
    let wanted = name.lowercased().replacing("-", with: "")
    if let found = Convention(rawValue: wanted) { return found }
    let known = Convention.allCases.map(\.rawValue)
    throw .unknownConvention(
      name: name, nearest: Spelling.nearest(to: wanted, in: known), known: known)
  }
}
