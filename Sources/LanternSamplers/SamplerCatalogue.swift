import LanternFormats

/// All samplers: a row for each file in `Solvers/`, in the order of the alphabet.
public enum SamplerCatalogue {
  /// A sampler and the names it goes by.
  public struct Row: Sendable {
    /// What people type.
    public let name: String
    /// Other spellings of theirs.
    public let aliases: [String]
    /// What it is, and from how many steps on the shipped weights are right with it.
    public let summary: String
    /// The class of diffusers whose files ask for it, and which it equals where docs/samplers.md
    /// does not say otherwise; nil for those that come from elsewhere.
    public let schedulerClass: String?
    /// How much of the noise is drawn afresh when nothing is said; nil for samplers without a say.
    public let standardEta: Float?
    let build: @Sendable (NoiseSchedule, Float) -> any Sampler

    /// The sampler as a model's schedule wants it.
    ///
    /// - Parameters:
    ///   - schedule: the model's.
    ///   - eta: how much of the noise is drawn afresh, 0 to 1; ``standardEta`` when nil.
    /// - Returns: a sampler without a memory: one may serve many runs.
    /// - Throws: when the schedule's file asks this sampler for what it does not have, or `eta` is
    ///   given to one that draws no noise.
    public func make(_ schedule: NoiseSchedule, eta: Float? = nil) throws -> any Sampler {
      try schedule.check(sampler: name)
      if let reader = reader(of: schedule) { try schedule.check(for: reader) }
      if let eta, standardEta == nil || !(0...1).contains(eta) {
        throw SamplerError.eta(eta, sampler: name, isTaken: standardEta != nil)
      }
      return build(schedule, eta ?? standardEta ?? 0)
    }

    /// The class of diffusers whose rules hold for a schedule's file with this sampler.
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
      schedulerClass: "DDIMScheduler", standardEta: 0,
      build: { DDIM($0, eta: $1) }),
    Row(
      name: "ddpm",
      aliases: ["DDPM", "DDPMScheduler"],
      summary: "the model's own random walk; from 8 steps",
      schedulerClass: "DDPMScheduler", standardEta: nil,
      build: { schedule, _ in DDPM(schedule) }),
    Row(
      name: "deis",
      aliases: ["DEISMultistepScheduler"],
      summary: "second order by polynomials through past noises; from 4 steps",
      schedulerClass: "DEISMultistepScheduler", standardEta: nil,
      build: { schedule, _ in DEIS(schedule) }),
    Row(
      name: "dpm++2m",
      aliases: [
        "dpmpp2m", "dpmpp_2m", "dpm++_2m", "dpmpp", "k_dpmpp_2m", "DPM++ 2M",
        "DPMSolverMultistepScheduler", "EDMDPMSolverMultistepScheduler",
      ],
      summary: "second order with one call a step; from 4 steps",
      schedulerClass: "DPMSolverMultistepScheduler", standardEta: nil,
      build: { schedule, _ in DPMPP2M(schedule) }),
    Row(
      name: "dpm++2m_sde",
      aliases: ["dpmpp2m_sde", "dpmpp_2m_sde", "dpm++_2m_sde", "k_dpmpp_2m_sde", "DPM++ 2M SDE"],
      summary: "as dpm++2m with fresh noise in every step; from 8 steps",
      schedulerClass: "DPMSolverMultistepScheduler", standardEta: 1,
      build: { DPMPP2MSDE($0, eta: $1) }),
    Row(
      name: "dpm++2s_a",
      aliases: ["dpmpp2s_a", "dpmpp_2s_ancestral", "dpm++_2s_a", "k_dpmpp_2s_a", "DPM++ 2S a"],
      summary: "second order with two calls a step and fresh noise; from 8 steps",
      schedulerClass: nil, standardEta: 1,
      build: { DPMPP2SAncestral($0, eta: $1) }),
    Row(
      name: "dpm++3m_sde",
      aliases: ["dpmpp3m_sde", "dpmpp_3m_sde", "dpm++_3m_sde", "k_dpmpp_3m_sde", "DPM++ 3M SDE"],
      summary: "third order with fresh noise in every step; from 16 steps",
      schedulerClass: nil, standardEta: 1,
      build: { DPMPP3MSDE($0, eta: $1) }),
    Row(
      name: "dpm++sde",
      aliases: ["dpmpp_sde", "dpm++_sde", "k_dpmpp_sde", "DPM++ SDE", "DPMSolverSDEScheduler"],
      summary: "two calls a step and fresh noise in both; from 8 steps",
      schedulerClass: "DPMSolverSDEScheduler", standardEta: 1,
      build: { DPMPPSDE($0, eta: $1) }),
    Row(
      name: "dpm2",
      aliases: ["k_dpm_2", "dpm_2", "DPM2", "KDPM2DiscreteScheduler"],
      summary: "midpoint method, two calls a step; from 16 steps",
      schedulerClass: "KDPM2DiscreteScheduler", standardEta: nil,
      build: { schedule, _ in DPM2(schedule) }),
    Row(
      name: "dpm2_a",
      aliases: ["k_dpm_2_a", "dpm_2_ancestral", "DPM2 a", "KDPM2AncestralDiscreteScheduler"],
      summary: "dpm2 with fresh noise in every step; from 32 steps",
      schedulerClass: "KDPM2AncestralDiscreteScheduler", standardEta: 1,
      build: { DPM2Ancestral($0, eta: $1) }),
    Row(
      name: "dpm_adaptive",
      aliases: ["dpm-adaptive", "k_dpm_adaptive", "DPM adaptive"],
      summary: "chooses its own steps, whatever number is given; exact and slow",
      schedulerClass: nil, standardEta: nil,
      build: { schedule, _ in DPMAdaptive(schedule) }),
    Row(
      name: "dpm_singlestep",
      aliases: ["dpm-solver", "dpmsolver", "dpm_solver", "DPMSolverSinglestepScheduler"],
      summary: "second order without memory of earlier groups; from 4 steps",
      schedulerClass: "DPMSolverSinglestepScheduler", standardEta: nil,
      build: { schedule, _ in DPMSinglestep(schedule, eta: 0) }),
    Row(
      name: "dpm_singlestep_sde",
      aliases: ["dpm-singlestep-sde", "DPM singlestep SDE"],
      summary: "as dpm_singlestep with fresh noise",
      schedulerClass: "DPMSolverSinglestepScheduler", standardEta: 1,
      build: { DPMSinglestep($0, eta: $1) }),
    Row(
      name: "euler",
      aliases: [
        "k_euler", "Euler", "EulerDiscreteScheduler", "EDMEulerScheduler",
        "FlowMatchEulerDiscreteScheduler",
      ],
      summary: "simple and predictable, first order; from 8 steps",
      schedulerClass: "EulerDiscreteScheduler", standardEta: nil,
      build: { schedule, _ in schedule.isFlow ? FlowEuler() as any Sampler : Euler() }),
    Row(
      name: "euler_a",
      aliases: [
        "euler-a", "eulera", "k_euler_a", "euler_ancestral", "Euler a",
        "EulerAncestralDiscreteScheduler",
      ],
      summary: "euler with fresh noise in every step, never settles; from 4 steps",
      schedulerClass: "EulerAncestralDiscreteScheduler", standardEta: 1,
      build: { _, eta in EulerAncestral(eta: eta) }),
    Row(
      name: "heun",
      aliases: ["k_heun", "Heun", "HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"],
      summary: "second order with two calls a step; from 8 steps",
      schedulerClass: "HeunDiscreteScheduler", standardEta: nil,
      build: { schedule, _ in schedule.isFlow ? FlowHeun() as any Sampler : Heun(schedule) }),
    Row(
      name: "ipndm",
      aliases: ["IPNDM", "IPNDMScheduler"],
      summary: "fourth order on levels of its own; from 32 steps",
      schedulerClass: nil, standardEta: nil,
      build: { _, _ in IPNDM() }),
    Row(
      name: "lcm",
      aliases: ["LCM", "LCMScheduler"],
      summary: "for models distilled for it: 1 to 8 steps",
      schedulerClass: "LCMScheduler", standardEta: nil,
      build: { schedule, _ in LCM(schedule) }),
    Row(
      name: "lms",
      aliases: ["k_lms", "LMS", "LMSDiscreteScheduler"],
      summary: "fourth order with one call a step; from 8 steps",
      schedulerClass: "LMSDiscreteScheduler", standardEta: nil,
      build: { _, _ in LMS() }),
    Row(
      name: "pndm",
      aliases: ["plms", "PLMS", "PNDM", "PNDMScheduler"],
      summary: "Stable Diffusion's own, fourth order; from 32 steps",
      schedulerClass: "PNDMScheduler", standardEta: nil,
      build: { schedule, _ in PNDM(schedule) }),
    Row(
      name: "sa_solver",
      aliases: ["sa-solver", "SASolver", "SASolverScheduler"],
      summary: "fresh noise in the middle of the way alone; from 16 steps",
      schedulerClass: "SASolverScheduler", standardEta: 1,
      build: { SASolver($0, eta: $1) }),
    Row(
      name: "tcd",
      aliases: ["TCD", "TCDScheduler"],
      summary: "for models distilled for it: 1 to 8 steps",
      schedulerClass: "TCDScheduler", standardEta: 0.0,
      build: { TCD($0, eta: $1) }),
    Row(
      name: "unipc",
      aliases: ["uni_pc", "UniPC", "UniPCMultistepScheduler"],
      summary: "mends each step by the next; from 4 steps",
      schedulerClass: "UniPCMultistepScheduler", standardEta: nil,
      build: { schedule, _ in UniPC(schedule) }),
  ]

  /// The sampler that a model's folder asks for.
  public static func standard(for schedule: NoiseSchedule) -> Row {
    standard(for: schedule, as: schedule.schedulerClass)
  }

  /// The sampler that equals a class, put in the place of the folder's own.
  package static func standard(for schedule: NoiseSchedule, as className: String) -> Row {
    // Classes without a table of steps are aliases of those with one.
    let known = rows.first { $0.aliases.contains(className) }?.schedulerClass
    let alike = rows.filter { $0.schedulerClass == known ?? className }
    // One class of diffusers may be several samplers here: its file says which.
    let found = alike.first { ($0.standardEta != nil) == schedule.solver.drawsNoise } ?? alike.first
    return found ?? rows[0]
  }

  /// The sampler of a name, as any program spells it (``meaning(of:)``), which names nothing else.
  ///
  /// - Throws: ``SamplerError/unknownSampler(name:nearest:known:)``.
  package static func row(named name: String) throws(SamplerError) -> Row {
    let meaning = try meaning(of: name)
    guard meaning.spacing == nil, !meaning.usesCFGPlusPlus, meaning.notes.isEmpty else {
      throw .unknownSampler(name: name, nearest: meaning.row.name, known: rows.map(\.name))
    }
    return meaning.row
  }

  /// The spacing of a name, as any program spells it.
  ///
  /// - Throws: ``SamplerError/unknownSchedule(name:nearest:known:)``.
  package static func spacing(named name: String) throws(SamplerError) -> Spacing {
    try spacingMeaning(of: name).spacing
  }

  /// The conventions of a name.
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
